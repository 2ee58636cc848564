import { expect, it } from 'vitest';
import { checkFile, checkMethod, checkPath, checkScheme, isPort } from '../../../src/core/policy/fields';

it.each([
  ['GET', undefined],
  ['M-SEARCH', undefined],
  ['get', 'methods are case-sensitive: write GET'],
  ['G T', 'is not a method'],
  ['', 'is not a method'],
])('method %j', (text, expected) => {
  expect(checkMethod(text)).toBe(expected);
});

it.each([
  ['/', true],
  ['/a/**', true],
  ['**/x', true],
  ['a', false],
  ['/a?b', false],
  ['/a b', false],
  ['/a#b', false],
])('path %j', (text, expected) => {
  expect(checkPath(text) === undefined).toBe(expected);
});

it.each([
  ['https', true],
  ['HTTPS', false],
  ['ftp', false],
])('scheme %j', (text, expected) => {
  expect(checkScheme(text) === undefined).toBe(expected);
});

it.each([
  [1, true],
  [65535, true],
  [0, false],
  [65536, false],
  [1.5, false],
  ['443', false],
  [null, false],
])('port %j', (value, expected) => {
  expect(isPort(value)).toBe(expected);
});

it.each([
  ['ca.pem', true],
  ['~/company ca.pem', true],
  ['', false],
  [' ', false],
  ['a\0b', false],
])('file %j', (text, expected) => {
  expect(checkFile(text) === undefined).toBe(expected);
});
