// The Huffman code of HPACK (RFC 7541, appendix B), decoded four bits at a time. The code is canonical: the lengths of its
// 257 words, in the order of the symbols, say all of it. Only decoding: what we send is never Huffman coded.

/** Length in bits of the word of each octet and of EOS, one base-36 digit each. */
const LENGTHS =
  'dnsssssssoussussssssssusssssssss6aacd68baa8b8666555666666678f6cad67777777777777777777777878djde6f565' +
  '65666577666567655677777fbedskmkkmmmnmnnnnnonoomnonnnnlmnmnnomlkmmnnlnmmolmnnllmlnmnnkmmmnmmnqqkjmnmp' +
  'qqqrrqopjlqrrqrollqqsrrrkoklmllnmmppooqnqrqqrrrrrsrrrrrqu';
const EOS = 256;
const FAIL = -2;
const NONE = -1;

/** After a state (a node of the tree) and four bits: the next state, and the octet that was completed on the way. */
const NEXT = new Uint8Array(256 * 16);
const EMIT = new Int16Array(256 * 16).fill(NONE);
/** States in which a string may end: nothing, or at most seven one-bits of padding (RFC 7541, 5.2). */
const ACCEPT = new Uint8Array(256);

build();

function build(): void {
  // Children by node and bit: an inner node, or ~symbol.
  const children: [number | undefined, number | undefined][] = [[undefined, undefined]];
  const lengths = Array.from(LENGTHS, (digit) => parseInt(digit, 36));
  const order = [...lengths.keys()].sort((a, b) => lengths[a]! - lengths[b]! || a - b);
  let word = 0;
  let previous = lengths[order[0]!]!;
  for (const symbol of order) {
    const length = lengths[symbol]!;
    word *= 2 ** (length - previous);
    previous = length;
    let node = 0;
    for (let bit = length - 1; bit > 0; bit--) {
      const side = Math.floor(word / 2 ** bit) % 2 === 1 ? 1 : 0;
      let next = children[node]![side];
      if (next === undefined) {
        next = children.push([undefined, undefined]) - 1;
        children[node]![side] = next;
      }
      node = next;
    }
    children[node]![word % 2 === 1 ? 1 : 0] = ~symbol;
    word++;
  }
  for (let state = 0; state < children.length; state++) {
    for (let bits = 0; bits < 16; bits++) {
      const at = state * 16 + bits;
      let node = state;
      for (let bit = 3; bit >= 0; bit--) {
        const next = children[node]![(bits >> bit) & 1 ? 1 : 0]!;
        if (next >= 0) node = next;
        else {
          EMIT[at] = ~next === EOS ? FAIL : ~next;
          node = 0;
        }
      }
      NEXT[at] = node;
    }
  }
  let padding: number | undefined = 0;
  for (let ones = 0; ones < 8 && padding !== undefined && padding >= 0; ones++) {
    ACCEPT[padding] = 1;
    padding = children[padding]![1];
  }
}

let scratch = Buffer.allocUnsafe(4096);

/** The octets of a string as latin1 text. Undefined when it is no valid code: EOS inside, or bad padding. */
export function huffmanDecode(bytes: Buffer, from: number, to: number): string | undefined {
  // The shortest word has five bits.
  const most = Math.ceil(((to - from) * 8) / 5);
  if (scratch.length < most) scratch = Buffer.allocUnsafe(most * 2);
  let state = 0;
  let length = 0;
  for (let i = from; i < to; i++) {
    const byte = bytes[i]!;
    let at = (state << 4) | (byte >> 4);
    let symbol = EMIT[at]!;
    if (symbol >= 0) scratch[length++] = symbol;
    else if (symbol === FAIL) return undefined;
    at = (NEXT[at]! << 4) | (byte & 15);
    symbol = EMIT[at]!;
    if (symbol >= 0) scratch[length++] = symbol;
    else if (symbol === FAIL) return undefined;
    state = NEXT[at]!;
  }
  return ACCEPT[state] === 1 ? scratch.toString('latin1', 0, length) : undefined;
}
