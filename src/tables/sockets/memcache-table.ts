// `memcache:FILE` (memcache_table(5)): asks a memcached, and a backup table where the cache does not know or cannot
// say. We only read: what the backup finds is not written into the cache (`ttl` and `flags` are for writers).

import { foldKey } from '../../address/form.ts';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Clock } from '../../lib/clock.ts';
import { TemporaryError } from '../../lib/temporary-error.ts';
import { type KeyDomains, openKeyDomains } from '../key-domains.ts';
import { KeyTemplates, type Template } from '../key-templates.ts';
import { type LookupResult, notFound, type Table } from '../table.ts';
import { openWithSettings, type ServerTableContext, type TableSettings } from '../table-settings.ts';
import { parseEndpoint } from './endpoint.ts';
import { BadReplyError, type DecodeReply, SocketClient, UnreachableError } from './socket-client.ts';

/** Throws TableError. */
export function openMemcacheTable(name: string, context: ServerTableContext & { readonly clock: Clock }): Table {
  return openWithSettings('memcache', name, context, (settings) => new MemcacheTable(settings, context));
}

class MemcacheTable implements Table {
  readonly name: string;
  readonly kind = 'fixed';
  readonly #templates: KeyTemplates;
  readonly #keyFormat: Template;
  readonly #domains: KeyDomains | undefined;
  readonly #client: SocketClient;
  readonly #backup: Table | undefined;
  readonly #decode: DecodeReply<string | undefined>;
  readonly #attempts: number;
  readonly #pauseMilliseconds: number;

  constructor(settings: TableSettings, context: ServerTableContext & { readonly clock: Clock }) {
    const table = settings.table;
    this.name = table;
    this.#templates = new KeyTemplates(table);
    this.#keyFormat = this.#templates.parseQuery(settings.text('key_format', '%s'));
    this.#domains = openKeyDomains(settings, context);
    const lineLimit = settings.integer('line_size_limit', 1024, 1);
    const dataLimit = settings.integer('data_size_limit', 10_240, 1);
    this.#decode = decodeValue(lineLimit, dataLimit);
    this.#attempts = settings.integer('max_try', 2, 1);
    this.#pauseMilliseconds = settings.integer('retry_pause', 1, 1) * 1000;
    this.#client = new SocketClient({
      table,
      endpoint: parseEndpoint(table, settings.text('memcache', 'inet:localhost:11211')),
      timeoutMilliseconds: settings.integer('timeout', 2, 1) * 1000,
      maxReplyBytes: lineLimit + dataLimit + 16,
      clock: context.clock,
    });
    const backup = settings.text('backup');
    if (backup !== '') this.#backup = context.registry.open(backup);
  }

  async lookup(key: string): Promise<LookupResult> {
    const cacheKey = await this.#cacheKey(foldKey(key));
    if (cacheKey === undefined) return notFound;
    let value: string | undefined;
    try {
      value = await this.#ask(cacheKey);
    } catch (error) {
      if (this.#backup === undefined) throw error;
    }
    if (value !== undefined) return { kind: 'found', value, source: `${this.name} ${cacheKey}` };
    return (await this.#backup?.lookup(key)) ?? notFound;
  }

  close(): void {
    this.#client.close();
  }

  /** Undefined for a key that cannot be in the cache: of another domain, without a part, with a blank. */
  async #cacheKey(key: string): Promise<string | undefined> {
    if (key === '' || (await this.#domains?.accepts(key)) === false) return undefined;
    const expanded = this.#templates.expandQuery(this.#keyFormat, key, (value) => value);
    // A blank or a control character would end the key, and what follows would be another command.
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are the ones to keep out.
    return expanded === undefined || expanded === '' || /[\x00-\x20\x7f]/.test(expanded) ? undefined : expanded;
  }

  async #ask(key: string): Promise<string | undefined> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#client.ask(Buffer.from(`get ${key}\r\n`), this.#decode);
      } catch (error) {
        if (!(error instanceof TemporaryError) || error instanceof UnreachableError || attempt >= this.#attempts)
          throw error;
        await sleep(this.#pauseMilliseconds);
      }
    }
  }
}

/** `END`, or `VALUE key flags length`, that many bytes, and `END`. */
function decodeValue(lineLimit: number, dataLimit: number): DecodeReply<string | undefined> {
  return (received) => {
    const end = received.indexOf('\r\n');
    if (end === -1 && received.length <= lineLimit) return undefined;
    if (end === -1 || end > lineLimit) throw new BadReplyError('the reply is too long');
    const line = received.toString('latin1', 0, end);
    if (line === 'END') return { reply: undefined, length: end + 2 };
    const length = Number(/^VALUE \S+ \S+ ([0-9]{1,10})(?: |$)/.exec(line)?.[1] ?? Number.NaN);
    if (Number.isNaN(length)) throw new BadReplyError('unexpected memcache server reply');
    if (length > dataLimit) throw new BadReplyError('the value is longer than data_size_limit');
    const dataEnd = end + 2 + length;
    const tail = '\r\nEND\r\n';
    if (received.length < dataEnd + tail.length) return undefined;
    if (received.toString('latin1', dataEnd, dataEnd + tail.length) !== tail) {
      throw new BadReplyError('unexpected memcache server reply');
    }
    return { reply: received.toString('utf8', end + 2, dataEnd), length: dataEnd + tail.length };
  };
}
