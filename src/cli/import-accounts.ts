// Which accounts `posthaste import imap` fetches: one from the command line, or many from a file of comma-separated lines
// `address,user,password[,url]`; and which Maildirs `posthaste import maildirs --list` takes: lines of `address,maildir`, as
// an import of mailboxes writes them. Passwords never stand on the command line, where every user of the machine could read
// them.

import { readFileSync, statSync } from 'node:fs';
import { isIP } from 'node:net';
import path from 'node:path';
import type { ImapAccount } from '../interop/import-mail/imap-connection.ts';
import type { FoundMaildir } from '../interop/import-mail/maildir-layout.ts';
import { type CommandContext, CommandError } from './context.ts';
import { readStandardInput } from './read-input.ts';

export interface ImapOptions {
  readonly from?: string;
  readonly user?: string;
  readonly passwordFile?: string;
  readonly masterUser?: string;
  readonly ca?: string;
  readonly plain?: true;
  readonly accounts?: string;
}

export interface AccountToFetch {
  readonly address: string;
  readonly account: ImapAccount;
}

export function parseImapUrl(text: string): Pick<ImapAccount, 'host' | 'port' | 'implicitTls'> {
  const match = /^(imaps?):\/\/(\[[0-9a-f:.]+\]|[^/:@[\]]+)(?::(\d{1,5}))?\/?$/i.exec(text);
  const port = Number(match?.[3] ?? 0);
  if (match?.[2] === undefined || port > 65_535) {
    throw new CommandError(`"${text}" is no server: write imaps://mail.example.com or imap://mail.example.com:143`, 2);
  }
  const implicitTls = match[1]?.toLowerCase() === 'imaps';
  return { host: match[2].replace(/^\[|\]$/g, ''), port: port || (implicitTls ? 993 : 143), implicitTls };
}

export async function accountsToFetch(
  context: CommandContext,
  address: string | undefined,
  options: ImapOptions,
): Promise<AccountToFetch[]> {
  const { accounts } = options;
  if (accounts !== undefined) return readAccounts(accounts, options);
  if (address === undefined) throw new CommandError('name the mailbox, or a file of accounts with --accounts FILE', 2);
  if (options.user === undefined) throw new CommandError('--user is missing: the name to log in with there', 2);
  const password = await readPassword(context, options.passwordFile);
  return [{ address, account: toAccount(options, options.from, options.user, password) }];
}

function toAccount(options: ImapOptions, url: string | undefined, user: string, password: string): ImapAccount {
  if (url === undefined) throw new CommandError('--from is missing: write --from imaps://mail.example.com', 2);
  const server = parseImapUrl(url);
  if (options.plain && !isOwn(server.host)) {
    throw new CommandError(
      `--plain is for this machine itself, not for ${server.host}: the password would be readable`,
      2,
    );
  }
  return {
    ...server,
    user,
    password,
    isPlain: options.plain,
    masterUser: options.masterUser,
    authorities: options.ca === undefined ? undefined : [readText(options.ca)],
  };
}

function isOwn(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
}

async function readPassword(context: CommandContext, file: string | undefined): Promise<string> {
  if (file === undefined)
    throw new CommandError('--password-file is missing: a file with the password, or - for standard input', 2);
  const text = file === '-' ? await readStandardInput(context) : readSecret(file);
  const [line = ''] = text.split(/\r?\n/, 1);
  if (line === '') throw new CommandError(`${file} holds no password on its first line`, 2);
  return line;
}

function readAccounts(file: string, options: ImapOptions): AccountToFetch[] {
  const found = addressLines(readSecret(file), file).map(({ fields, where }) => {
    const [address = '', user = '', password = '', url = options.from] = fields;
    if (!address.includes('@') || user === '' || password === '') {
      throw new CommandError(`${where}: write address,user,password or address,user,password,imaps://server`);
    }
    return { address, account: toAccount(options, url, user, password) };
  });
  if (found.length === 0) throw new CommandError(`${file} names no account: write address,user,password lines`);
  return found;
}

/** Relative paths are below `root`. */
export function readMaildirList(file: string, root: string | undefined): FoundMaildir[] {
  const found = addressLines(readText(file), file).map(({ fields, where }) => {
    const [address = '', maildir = ''] = fields;
    if (!address.includes('@') || maildir === '') throw new CommandError(`${where}: write address,maildir`);
    if (root === undefined && !path.isAbsolute(maildir)) {
      throw new CommandError(
        `${where}: "${maildir}" is below a folder that is not named: write posthaste import maildirs ROOT --list ${file}`,
        2,
      );
    }
    return { address, path: path.resolve(root ?? '/', maildir) };
  });
  if (found.length === 0) throw new CommandError(`${file} names no Maildir: write address,maildir lines`);
  return found;
}

/** Without comments, blank lines and a first line that names the columns. */
function addressLines(text: string, file: string): { readonly fields: readonly string[]; readonly where: string }[] {
  return text.split(/\r?\n/).flatMap((line, index) => {
    if (line.trim() === '' || line.startsWith('#')) return [];
    const where = `${file}:${index + 1}`;
    const fields = splitCsv(line, where);
    return index === 0 && fields[0]?.toLowerCase() === 'address' ? [] : [{ fields, where }];
  });
}

/** RFC 4180: fields may stand in quotation marks, which are doubled inside. */
function splitCsv(line: string, where: string): string[] {
  const fields: string[] = [];
  for (let at = 0; at <= line.length; ) {
    const quoted = /^"((?:[^"]|"")*)"(?=,|$)/.exec(line.slice(at));
    if (quoted === null && line[at] === '"') throw new CommandError(`${where}: a quotation mark is not closed`);
    const end = line.indexOf(',', at);
    const plain = line.slice(at, end === -1 ? line.length : end);
    fields.push(quoted?.[1] === undefined ? plain.trim() : quoted[1].replaceAll('""', '"'));
    at += (quoted?.[0].length ?? plain.length) + 1;
  }
  return fields;
}

function readSecret(file: string): string {
  const text = readText(file);
  if ((statSync(file).mode & 0o077) !== 0) {
    throw new CommandError(`${file} holds passwords and others may read it: chmod 600 ${file}`);
  }
  return text;
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new CommandError(`${file} cannot be read (${(error as NodeJS.ErrnoException).code})`);
  }
}
