// sendmail and mailq: Postfix's sendmail(1) for programs and people on this machine (-t -i -f -F -r -N -R -V -bp -q).
// A message is left in the maildrop folder, where the server finds it at once, or when it next starts. Exit 0 means
// that it is safe on disk.
//
// Any user may call it: all that is needed is the folder, and to know where it is, from main.cf, or by the link
// beside it that the server has made where main.cf is not for everybody. What it says of the caller counts for nothing;
// the server sees who owns the file.

import fs from 'node:fs';
import { userInfo } from 'node:os';
import path from 'node:path';
import type { Command } from 'commander';
import { parseAddressList } from '../address/address-list.ts';
import { toExternal } from '../address/form.ts';
import { systemClock } from '../lib/clock.ts';
import { parseHeaderFields } from '../message/header-field.ts';
import { maildropFolder, MaildropWriter } from '../queue/maildrop.ts';
import { dataDirectoryOf, loadConfiguration } from '../settings/configuration.ts';
import { Settings } from '../settings/settings.ts';
import { areVerpDelimiters } from '../smtp/verp-delimiters.ts';
import { encodeXtext } from '../smtp/xtext.ts';
import { type CommandContext, CommandError } from './context.ts';
import { newaliases } from './postalias.ts';
import { flushAll, flushMessage, flushSite, printQueue } from './postqueue.ts';
import { DotReader, parseSendmailOptions, sendmailError, type SendmailOptions } from './sendmail-options.ts';
import { maySubmit } from './submit-permission.ts';
import { registerTool } from './tool.ts';

export function register(program: Command, context: CommandContext): void {
  registerTool(program, context, {
    name: 'sendmail',
    description: 'send a message from standard input, with the options of sendmail(1)',
    help: helpText,
    failure: 75,
    run: (tools, args) => run(tools, parseSendmailOptions(args)),
  });
  registerTool(program, context, {
    name: 'mailq',
    description: 'list what is queued, with the options of sendmail(1)',
    help: '\nExample:\n  posthaste mailq',
    failure: 75,
    run: (tools, args) => run(tools, parseSendmailOptions(args, 'list')),
  });
}

const helpText = `
Options: -t (recipients from To, Cc, Bcc), -i or -oi (a lone dot does not end the message), -f or -r SENDER,
-F NAME, -N never|success,failure,delay, -R full|hdrs, -V ENVID, -bp (list the queue), -bi (as newaliases),
-q (try everything now), -qIQUEUEID, -qRDOMAIN, -C DIR.

Examples:
  printf 'Subject: hello\\n\\nHi!\\n' | posthaste sendmail anna@example.com
  posthaste sendmail -t -i -f robot@example.com < message.eml`;

async function run(given: CommandContext, options: SendmailOptions): Promise<void> {
  for (const warning of options.warnings) given.warn(`sendmail: warning: ${warning}`);
  const context = options.config === undefined ? given : { ...given, configDirectory: folderOf(options.config) };
  switch (options.mode) {
    case 'list':
      if (options.recipients.length > 0) throw sendmailError('display queue mode requires no recipient');
      return printQueue(context, 'postqueue', false);
    case 'flush':
      if (options.recipients.length > 0) throw sendmailError('flush queue mode requires no recipient');
      return flush(context, options.flush);
    case 'index':
      return newaliases(context, []);
    case 'send':
      return send(context, options, (context.input ?? process.stdin) as AsyncIterable<Buffer>);
  }
}

/** `-C` may name main.cf itself. */
function folderOf(config: string): string {
  return path.basename(config) === 'main.cf' ? path.dirname(config) : config;
}

function flush(context: CommandContext, what: SendmailOptions['flush']): Promise<void> {
  if (what === 'all') return flushAll(context, 'postqueue');
  return 'id' in what ? flushMessage(context, 'postqueue', what.id) : flushSite(context, 'postqueue', what.site);
}

interface Maildrop {
  readonly folder: string;
  /** message_size_limit; 0: the server says. */
  readonly sizeLimit: number;
  /** The defaults, for a user who may not read main.cf. */
  readonly settings: Settings;
}

async function findMaildrop(context: CommandContext): Promise<Maildrop> {
  const { configDirectory } = context;
  const files = ['main.cf', 'posthaste.cf'].map((name) => path.join(configDirectory, name));
  const link = path.join(configDirectory, maildropFolder);
  if (!files.every(mayRead) && fs.existsSync(link))
    return { folder: link, sizeLimit: 0, settings: Settings.defaults() };
  const configuration = await loadConfiguration(configDirectory);
  if (!(await maySubmit(context, configuration, loginName()))) {
    throw sendmailError(`User ${caller()} is not allowed to submit mail`);
  }
  return {
    folder: path.join(dataDirectoryOf(configuration), maildropFolder),
    sizeLimit: configuration.settings.integer('message_size_limit'),
    settings: configuration.settings,
  };
}

function mayRead(file: string): boolean {
  try {
    fs.accessSync(file, fs.constants.R_OK);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT';
  }
}

/** Longer than any header that means something. */
const maxHeaderBytes = 1024 * 1024;

async function send(context: CommandContext, options: SendmailOptions, input: AsyncIterable<Buffer>): Promise<void> {
  if (options.recipients.length === 0 && !options.fromHeader) {
    throw sendmailError(`${caller()}: Recipient addresses must be specified on the command line or via the -t option`);
  }
  const { folder, sizeLimit, settings } = await findMaildrop(context);
  const chunks = options.ignoreDots ? input : new DotReader(input);
  const iterator = chunks[Symbol.asyncIterator]();
  const start = options.fromHeader ? await readHeader(iterator) : Buffer.alloc(0);
  const recipients = [...options.recipients.flatMap(addresses), ...(options.fromHeader ? headerRecipients(start) : [])];
  if (recipients.length === 0) throw sendmailError(`${caller()}: No recipient addresses found in message header`);
  const writer = await create(folder, {
    sender: sender(context, options),
    fullName: options.fullName,
    recipients: [...new Set(recipients)],
    notify: options.notify,
    ret: options.ret,
    envid: encodeXtext(options.envid),
    ...verp(options, settings),
  });
  try {
    let size = start.length;
    await writer.write(start);
    for (let next = await iterator.next(); !next.done; next = await iterator.next()) {
      size += next.value.length;
      if (sizeLimit > 0 && size > sizeLimit) throw sendmailError(`${caller()}: message file too big`);
      await writer.write(next.value);
    }
    await writer.finish();
  } catch (error) {
    await writer.abort();
    if (error instanceof CommandError) throw error;
    throw sendmailError(`the message could not be stored in ${folder}: ${(error as Error).message}`);
  }
}

function verp({ verp: given }: SendmailOptions, settings: Settings): { readonly verp?: string } {
  if (given === undefined) return {};
  const allowed = settings.text('verp_delimiter_filter');
  const delimiters = given === '' ? settings.text('default_verp_delimiters') : given;
  if (!areVerpDelimiters(delimiters, allowed)) {
    throw new CommandError(`-XV requires two characters from ${allowed}`, 2);
  }
  return { verp: delimiters };
}

async function create(folder: string, envelope: Parameters<typeof MaildropWriter.create>[1]): Promise<MaildropWriter> {
  try {
    return await MaildropWriter.create(folder, envelope, systemClock);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const advice = code === 'ENOENT' ? 'start the server once: posthaste start' : message;
    throw sendmailError(`the message could not be stored in ${folder}: ${advice}`);
  }
}

/** `joe(1000)` */
function caller(): string {
  return `${loginName() ?? 'unknown'}(${process.getuid?.() ?? 0})`;
}

/** Undefined for a uid without a name. */
function loginName(): string | undefined {
  try {
    return userInfo().username;
  } catch {
    return undefined;
  }
}

function sender(context: CommandContext, { sender: given }: SendmailOptions): string {
  if (given === undefined) {
    const name = loginName();
    if (name === undefined) throw sendmailError(`unable to find login name: uid=${process.getuid?.() ?? 0}; use -f`);
    return name;
  }
  if (given === '' || given === '<>') return '';
  const found = addresses(given);
  const [address = ''] = found;
  if (found.length !== 1) context.warn(`sendmail: warning: -f option specified malformed sender: ${given}`);
  return address;
}

function addresses(text: string): string[] {
  return parseAddressList(text).map((address) => toExternal(address));
}

/** Everything up to the first empty line at least. */
async function readHeader(iterator: AsyncIterator<Buffer>): Promise<Buffer> {
  let start = Buffer.alloc(0);
  while (!/\n\r?\n/.test(start.toString('latin1')) && start.length < maxHeaderBytes) {
    const next = await iterator.next();
    if (next.done) break;
    start = Buffer.concat([start, next.value]);
  }
  return start;
}

/** To, Cc and Bcc; of a resent message those with Resent- alone (RFC 5322 §3.6.6). */
function headerRecipients(start: Buffer): string[] {
  const text = start.toString('latin1');
  const end = /\n\r?\n/.exec(text);
  const fields = parseHeaderFields(end ? text.slice(0, end.index + 1) : text);
  const isResent = fields.some(({ name }) => /^resent-(?:to|cc|bcc)$/i.test(name));
  const wanted = isResent ? /^resent-(?:to|cc|bcc)$/i : /^(?:to|cc|bcc)$/i;
  const bodies = fields.filter(({ name }) => wanted.test(name)).map(({ body }) => body);
  return bodies.flatMap((body) => addresses(Buffer.from(body, 'latin1').toString('utf8')));
}
