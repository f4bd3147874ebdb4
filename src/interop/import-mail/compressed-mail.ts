// Messages that Dovecot's mail_compress (zlib) plugin has compressed: recognised by their first octets, as Dovecot does. No
// message begins like that. What cannot be unpacked here is refused with its name.

import { Duplex, Readable } from 'node:stream';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import { UnreadableMessage } from './types.ts';

/** Of what unpacks to more the next gigabyte may as well be zeros. */
const maxUnpackedBytes = 2 * 1024 ** 3;

interface Format {
  readonly magic: Buffer;
  readonly name: string;
  readonly unpack?: () => Duplex;
}

const formats: readonly Format[] = [
  { magic: Buffer.from([0x1f, 0x8b]), name: 'gzip', unpack: () => createGunzip() },
  { magic: Buffer.from([0x28, 0xb5, 0x2f, 0xfd]), name: 'zstd', unpack: () => createZstdDecompress() },
  { magic: Buffer.from('BZh'), name: 'bzip2' },
  { magic: Buffer.from([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0]), name: 'xz' },
  { magic: Buffer.from('Dovecot-LZ4'), name: 'lz4' },
  { magic: Buffer.from('CRYPTED\x03\x07', 'latin1'), name: 'mail_crypt' },
];

export async function* decompressed(chunks: AsyncGenerator<Buffer>): AsyncGenerator<Buffer> {
  const { value: first } = await chunks.next();
  if (first === undefined) return;
  const format = formats.find(({ magic }) => first.subarray(0, magic.length).equals(magic));
  if (format === undefined) {
    yield first;
    yield* chunks;
    return;
  }
  if (format.unpack === undefined) {
    await chunks.return(undefined);
    throw new UnreadableMessage(`it is packed as ${format.name}, which cannot be unpacked here; import it by IMAP`);
  }
  yield* unpack(format.name, format.unpack(), again(first, chunks));
}

async function* again(first: Buffer, rest: AsyncGenerator<Buffer>): AsyncGenerator<Buffer> {
  yield first;
  yield* rest;
}

async function* unpack(name: string, unpacker: Duplex, chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const source = Readable.from(chunks);
  source.on('error', (error) => unpacker.destroy(error));
  source.pipe(unpacker);
  let size = 0;
  try {
    for await (const chunk of unpacker as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > maxUnpackedBytes) throw new UnreadableMessage(`it is packed as ${name} and more than 2 GiB long`);
      yield chunk;
    }
  } catch (error) {
    if (error instanceof UnreadableMessage) throw error;
    throw new UnreadableMessage(`it is packed as ${name} and damaged`);
  } finally {
    source.destroy();
    unpacker.destroy();
  }
}
