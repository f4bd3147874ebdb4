// The servers of the relay rows: a Posthaste and a Postfix with default settings, whose only route is the sink. Each
// protocol has its own pair, so that no run meets what another left behind.

import { join } from 'node:path';
import { Postfix } from './postfix.ts';
import { Posthaste } from './posthaste.ts';
import { measureRelay, type RelayRow, RelaySink } from './relay.ts';
import type { LoadShape } from './smtp-run.ts';

interface RelayRowsOptions {
  readonly folder: string;
  readonly userFiles: string;
  readonly hasPostfix: boolean;
  readonly shapes: readonly LoadShape[];
  readonly runs: number;
  readonly seconds: number;
  readonly report: (line: string) => void;
}

export async function runRelayRows(options: RelayRowsOptions): Promise<RelayRow[]> {
  const [firstShape] = options.shapes;
  const rows = await withServers('smtp', options.shapes, options);
  return firstShape === undefined ? rows : [...rows, ...(await withServers('lmtp', [firstShape], options))];
}

async function withServers(
  protocol: 'smtp' | 'lmtp',
  shapes: readonly LoadShape[],
  { folder, userFiles, hasPostfix, runs, seconds, report }: RelayRowsOptions,
): Promise<RelayRow[]> {
  const sink = await RelaySink.start(protocol);
  const transport = protocol === 'lmtp' ? `lmtp:inet:127.0.0.1:${sink.port}` : `smtp:[127.0.0.1]:${sink.port}`;
  const place = join(folder, 'relay', protocol);
  const ours = await Posthaste.create(join(place, 'posthaste'), {
    isEmpty: true,
    settings: { default_transport: transport },
    services: 'lmtp unix - - n - - lmtp\n',
  });
  const servers: (Posthaste | Postfix)[] = [ours];
  if (hasPostfix) servers.push(new Postfix({ folder: join(place, 'postfix'), userFiles, kind: 'relay', transport }));
  try {
    for (const server of servers) await server.start();
    return await measureRelay({ servers, sink, shapes, runs, seconds, report });
  } finally {
    for (const server of servers) await server.stop();
    await sink.stop();
  }
}
