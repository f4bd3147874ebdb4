// Debian's PostfixAdmin (package postfixadmin), run by its own command line over a database of a test: a copy of its PHP with
// a configuration of its own, so that nothing of the system's is touched.

import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const installed = '/usr/share/postfixadmin';

/** Why there is none here; undefined where it can run. */
export const noPostfixAdmin: string | undefined =
  existsSync(join(installed, 'scripts/postfixadmin-cli.php')) && existsSync('/usr/bin/php')
    ? undefined
    : 'needs PostfixAdmin (packages postfixadmin, php-cli, php-mysql, php-pgsql, php-sqlite3)';

export class PostfixAdmin {
  readonly #folder: string;

  /** `settings` go into config.local.php; the tables are made. */
  constructor(folder: string, settings: Readonly<Record<string, string>>) {
    this.#folder = folder;
    cpSync(installed, folder, { recursive: true, verbatimSymlinks: true });
    for (const name of ['config.inc.php', 'config.local.php', 'templates_c'])
      rmSync(join(folder, name), { force: true });
    mkdirSync(join(folder, 'templates_c'));
    const shipped = readFileSync('/etc/postfixadmin/config.inc.php', 'utf8');
    // Debian's file reads the account that its package made.
    writeFileSync(this.configuration, shipped.replace(/^require_once\('dbconfig\.inc\.php'\);$/m, ''));
    const lines = Object.entries({ configured: 'true', emailcheck_resolve_domain: 'NO', ...settings });
    const text = lines.map(([name, value]) => `$CONF['${name}'] = '${value}';\n`).join('');
    writeFileSync(join(folder, 'config.local.php'), `<?php\n${text}`);
    this.#php('public/upgrade.php');
  }

  get configuration(): string {
    return join(this.#folder, 'config.inc.php');
  }

  /** As `postfixadmin-cli mailbox add …`; what it says. */
  run(...args: readonly string[]): string {
    return this.#php('scripts/postfixadmin-cli.php', ...args);
  }

  #php(script: string, ...args: readonly string[]): string {
    const options = ['-d', 'error_reporting=0', '-q', join(this.#folder, script), ...args];
    return execFileSync('/usr/bin/php', options, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  }
}
