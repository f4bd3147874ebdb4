// A MariaDB of its own for peer A, with default settings, on loopback, filled from a file of statements.

import { readFileSync } from 'node:fs';
import { MariaDbServer } from '../test/harness/mariadb.ts';

export class MariaDb {
  readonly #server: MariaDbServer;
  readonly #sqlFile: string;

  constructor(folder: string, sqlFile: string) {
    this.#server = new MariaDbServer(folder);
    this.#sqlFile = sqlFile;
  }

  get port(): number {
    return this.#server.port;
  }

  async start(): Promise<void> {
    if (!(await this.#server.start())) return;
    this.#server.execute(
      "CREATE DATABASE mail; CREATE USER mail@'127.0.0.1' IDENTIFIED BY 'mail'; CREATE USER mail@localhost IDENTIFIED BY 'mail';" +
        "GRANT SELECT ON mail.* TO mail@'127.0.0.1'; GRANT SELECT ON mail.* TO mail@localhost;",
    );
    this.#server.execute(readFileSync(this.#sqlFile), 'mail');
  }

  async stop(): Promise<void> {
    await this.#server.stop();
  }

  rootPids(): readonly number[] {
    return this.#server.rootPids();
  }
}
