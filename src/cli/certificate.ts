// posthaste certificate list|renew: which certificates the server shows, until when, and what became of those that it
// gets by itself.

import { X509Certificate } from 'node:crypto';
import { accessSync, constants, existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { Command } from 'commander';
import { type Configuration, dataDirectoryOf, loadConfiguration } from '../settings/configuration.ts';
import { readTlsSettings } from '../smtp-server/tls-options.ts';
import { CertificateFiles } from '../tls/acme/certificate-files.ts';
import { pemBlocks } from '../tls/pem.ts';
import { type CommandContext, CommandError } from './context.ts';
import { controlRequest } from './control.ts';
import { type Column, formatTime, printDone, printList } from './output.ts';

interface CertificateLine {
  /** Host names that it is for; of one that is missing, the host that waits for it. */
  readonly names: readonly string[];
  readonly file: string;
  readonly source: 'file' | 'self-signed' | 'acme';
  readonly issuer: string | null;
  readonly validUntil: number | null;
  readonly renewAt: number | null;
  readonly problem: string | null;
  /** After a failure: when it is tried again. */
  readonly nextAttemptAt: number | null;
}

const help = `
Examples:
  posthaste certificate list
  posthaste certificate renew mx.example.com

Certificates of tls_server_sni_maps are not listed. How to get certificates from an authority: docs/tls.md.`;

export function register(program: Command, context: CommandContext): void {
  const group = program.command('certificate').description('the certificates of the server').addHelpText('after', help);
  group
    .command('list')
    .description('list the certificates, with the time until which they are valid')
    .action(() => list(context));
  group
    .command('renew')
    .description('get a new certificate for a host of posthaste_acme_hosts now (needs the running server)')
    .argument('<host>')
    .action((host: string) => renew(context, host.toLowerCase()));
}

const time = (milliseconds: number | null): string => (milliseconds === null ? '' : formatTime(milliseconds));

const columns: readonly Column<CertificateLine>[] = [
  { title: 'NAMES', text: ({ names }) => (names.length > 3 ? `${names.slice(0, 3).join(',')},…` : names.join(',')) },
  { title: 'SOURCE', text: ({ source }) => source },
  { title: 'ISSUER', text: ({ issuer }) => issuer ?? '' },
  { title: 'VALID UNTIL', text: ({ validUntil }) => time(validUntil) },
  { title: 'RENEWAL', text: ({ renewAt, nextAttemptAt }) => time(nextAttemptAt ?? renewAt) },
  { title: 'PROBLEM', text: ({ problem }) => problem ?? '' },
];

async function list(context: CommandContext): Promise<void> {
  const empty = 'no certificate yet: the server makes one when it is first started';
  if (context.remote !== undefined) {
    const { items } = await context.remote.call<{ items: readonly CertificateLine[] }>('certificate.list');
    return await printList(context, columns, onePage(items), empty);
  }
  const configuration = await loadConfiguration(context.configDirectory);
  try {
    await printList(context, columns, onePage(await listCertificates(configuration)), empty);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EACCES') throw error;
    throw new CommandError(`${(error as Error).message}; run this as root or as the server's user`);
  }
}

export async function listCertificates(configuration: Configuration): Promise<CertificateLine[]> {
  const files = new CertificateFiles(dataDirectoryOf(configuration));
  // What stands in a folder that is closed to us would seem not to be there.
  if (existsSync(files.folder)) accessSync(files.folder, constants.R_OK | constants.X_OK);
  const configured = configuredFiles(configuration);
  const lines = configured.flatMap((file) => describe(file, 'file'));
  lines.push(...(await acmeLines(configuration, files)));
  const own = path.join(files.folder, 'self-signed.pem');
  const isShown = configured.length === 0 && !lines.some(({ validUntil }) => validUntil !== null);
  if (isShown && existsSync(own)) lines.push(...describe(own, 'self-signed'));
  return lines;
}

async function* onePage<Row>(rows: readonly Row[]): AsyncIterable<readonly Row[]> {
  if (rows.length > 0) yield rows;
}

/** Of main.cf and of services that have others. */
function configuredFiles({ settings, services }: Configuration): string[] {
  const all = [settings, ...services.filter(({ command }) => command === 'smtpd').map((service) => service.settings)];
  return [...new Set(all.flatMap((one) => readTlsSettings(one, false).chains.flat()))];
}

async function acmeLines({ settings }: Configuration, files: CertificateFiles): Promise<CertificateLine[]> {
  if (settings.text('posthaste_acme_directory') === '') return [];
  const lines: CertificateLine[] = [];
  for (const host of settings.list('posthaste_acme_hosts').map((one) => one.toLowerCase())) {
    const file = files.chainFile(host);
    const { problem = null, renewAt = null, attempts, notBefore } = await files.state(host);
    const more = { problem, renewAt, nextAttemptAt: attempts > 0 ? notBefore : null };
    const [line] = existsSync(file) ? describe(file, 'acme') : [];
    const missing = { names: [host], file, source: 'acme', issuer: null, validUntil: null } as const;
    lines.push({ ...(line ?? missing), ...more });
  }
  return lines;
}

/** The server's own certificates of a file: each first one behind a key, or of a file without a key. */
function describe(file: string, source: CertificateLine['source']): CertificateLine[] {
  const blocks = pemBlocks(readFileSync(file, 'latin1'));
  const isOwn = (index: number) => index === 0 || blocks[index - 1]?.label.endsWith('PRIVATE KEY');
  return blocks.flatMap(({ label, text }, index) => {
    if (label !== 'CERTIFICATE' || !isOwn(index)) return [];
    const certificate = new X509Certificate(text);
    const names = [...(certificate.subjectAltName ?? '').matchAll(/DNS:([^,\s]+)/g)].map((match) => match[1] as string);
    const issuer = /(?:^|\n)CN=(.*)/.exec(certificate.issuer)?.[1] ?? certificate.issuer.replace(/\n/g, ', ');
    const validUntil = Date.parse(certificate.validTo);
    return [{ names, file, source, issuer, validUntil, renewAt: null, problem: null, nextAttemptAt: null }];
  });
}

async function renew(context: CommandContext, host: string): Promise<void> {
  if (context.remote !== undefined) await context.remote.call('certificate.renew', { host });
  else {
    const dataDirectory = dataDirectoryOf(await loadConfiguration(context.configDirectory));
    await controlRequest(dataDirectory, { command: 'certificate-renew', host });
  }
  printDone(context, `${host} has a new certificate`, { host });
}
