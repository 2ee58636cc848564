// A client of a session's proxy that has what an agent's environment has.
import http from 'node:http';
import type { FolderSession } from '../../src/host/folderSession';

/** One plain request through a session's proxy, to a port of this machine: status and body of the answer. */
export function sendThrough(
  session: FolderSession,
  port: number,
  target: string,
  headers: http.OutgoingHttpHeaders,
  body = '',
): Promise<[number, string]> {
  const proxy = new URL(session.agentEnvironment('claude')!['HTTP_PROXY']!);
  const authorization = Buffer.from(`${proxy.username}:${proxy.password}`).toString('base64');
  return new Promise((resolve, reject) => {
    const request = http.request(
      {
        host: '127.0.0.1',
        port: proxy.port,
        method: body === '' ? 'GET' : 'POST',
        path: `http://127.0.0.1:${port}${target}`,
        headers: { host: `127.0.0.1:${port}`, ...headers, 'proxy-authorization': `Basic ${authorization}` },
      },
      (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (part: string) => (text += part));
        response.on('end', () => resolve([response.statusCode!, text]));
      },
    );
    request.on('error', reject);
    request.end(body);
  });
}
