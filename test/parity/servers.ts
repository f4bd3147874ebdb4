// The two servers of a parity run: a real Postfix, and ours in this process. Both are started anew for each group, on
// the same tables, each with a port and a sink of its own, and are asked at the same time.

import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { Server as NetServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Server } from '../../src/main/server.ts';
import { loadConfiguration } from '../../src/settings/configuration.ts';
import { SettingsError } from '../../src/settings/settings-error.ts';
import { startDovecotAuthServer } from '../harness/dovecot-auth-server.ts';
import { findFreePorts } from '../harness/free-ports.ts';
import { LmtpSink } from '../harness/lmtp-sink.ts';
import { RealPostfix } from '../harness/real-postfix.ts';
import { Backends } from './backends.ts';
import type { ParityAnswer, ParityGroup } from './parity-case.ts';
import { type ConfigurationTexts, configurationOf, placeTables } from './place-group.ts';
import { runGroup } from './run-group.ts';

export interface GroupAnswers {
  readonly postfix: readonly ParityAnswer[];
  /** A text where ours does not take the configuration. */
  readonly posthaste: readonly ParityAnswer[] | string;
  readonly postfixLog: string;
}

export class ParityServers {
  readonly #folder: string;
  readonly #tables: string;
  readonly #postfix: RealPostfix;
  readonly #port: number;
  readonly #sinks: readonly [LmtpSink, LmtpSink];
  readonly #auth: NetServer;
  readonly #backends: Backends;
  #count = 0;

  static async open(): Promise<ParityServers> {
    const folder = mkdtempSync(join(tmpdir(), 'parity-'));
    // The user postfix reads the tables.
    chmodSync(folder, 0o755);
    mkdirSync(join(folder, 'tables'));
    const ports = await findFreePorts(2);
    const auth = await startDovecotAuthServer(join(folder, 'tables', 'auth.sock'));
    return new ParityServers(folder, ports, [await LmtpSink.start(), await LmtpSink.start()], auth);
  }

  private constructor(
    folder: string,
    [postfixPort = 0, port = 0]: readonly number[],
    sinks: readonly [LmtpSink, LmtpSink],
    auth: NetServer,
  ) {
    this.#folder = folder;
    this.#tables = join(folder, 'tables');
    this.#port = port;
    this.#sinks = sinks;
    this.#auth = auth;
    this.#backends = new Backends(join(folder, 's'));
    this.#postfix = new RealPostfix(join(folder, 'postfix'), postfixPort);
  }

  async ask(group: ParityGroup): Promise<GroupAnswers> {
    await placeTables(group, this.#tables, this.#backends);
    const [postfix, posthaste] = await Promise.all([this.#askPostfix(group), this.#askPosthaste(group)]);
    return { postfix, posthaste, postfixLog: this.#postfix.readLog() };
  }

  async close(): Promise<void> {
    this.#postfix.stop();
    await this.#backends.stop();
    for (const sink of this.#sinks) sink.close();
    this.#auth.close();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #askPostfix(group: ParityGroup): Promise<ParityAnswer[]> {
    const [sink] = this.#sinks;
    const { mainCf, masterCf } = this.#configuration(group, this.#postfix.port, sink, this.#postfix.settings);
    this.#postfix.clearLog();
    await this.#postfix.start(mainCf, masterCf);
    return await runGroup(this.#postfix, sink, group);
  }

  async #askPosthaste(group: ParityGroup): Promise<ParityAnswer[] | string> {
    const folder = join(this.#folder, `posthaste-${this.#count++}`);
    mkdirSync(folder);
    const log = join(folder, 'maillog');
    const [, sink] = this.#sinks;
    const { mainCf, masterCf } = this.#configuration(group, this.#port, sink, {
      maillog_file: log,
      posthaste_data_directory: join(folder, 'data'),
      smtpd_tls_security_level: 'none',
    });
    writeFileSync(join(folder, 'main.cf'), mainCf);
    writeFileSync(join(folder, 'master.cf'), masterCf);
    let broken: Error | undefined;
    let server: Server | undefined;
    try {
      server = await Server.start(await loadConfiguration(folder), (error) => {
        broken = error;
      });
      const answers = await runGroup({ port: this.#port, readLog: () => readFileSync(log, 'utf8') }, sink, group);
      if (broken !== undefined) throw broken;
      return answers;
    } catch (error) {
      if (error instanceof SettingsError) return error.message;
      throw error;
    } finally {
      await server?.stop();
      rmSync(folder, { recursive: true, force: true });
    }
  }

  #configuration(
    group: ParityGroup,
    port: number,
    sink: LmtpSink,
    settings: Readonly<Record<string, string>>,
  ): ConfigurationTexts {
    return configurationOf(group, { tables: this.#tables, port, sinkPort: sink.port, settings });
  }
}
