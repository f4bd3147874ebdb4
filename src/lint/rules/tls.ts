// Rules about the files that certificates and keys are in. A machine of which a copy has not got the folder of such a file
// is left in peace, and so is a file that only whoever looks here may not read, but for a hint.

import { dirname } from 'node:path';
import type { Settings } from '../../settings/settings.ts';
import { parseChains } from '../../tls/chains.ts';
import { pemBlocks } from '../../tls/pem.ts';
import type { LintContext } from '../context.ts';
import type { Hit, Place, Rule } from '../rule.ts';

const clientConsequence =
  'The server that mail is sent to is shown no certificate, or mail waits: Postfix sends it without TLS where that is allowed.';

export const tlsRules: readonly Rule[] = [
  {
    id: 'certificate-unreadable',
    severity: 'error',
    title: 'The file of a certificate or of its key is missing or cannot be read.',
    consequence:
      'Posthaste does not start. Postfix answers STARTTLS with 454 4.7.0 TLS not available due to local problem, and where TLS is required no mail comes in.',
    mend: 'Correct the path, or get the certificate first; without the parameters Posthaste makes one of its own.',
    *check(context) {
      for (const { service, files, isClient } of chains(context)) {
        for (const file of files) yield* unreadable(context, file, service, isClient);
      }
      for (const name of ['posthaste_acme_ca_file', 'posthaste_acme_external_account_file']) {
        const path = context.text(name);
        if (path !== '') yield* unreadable(context, { name, path });
      }
    },
  },
  {
    id: 'certificate-without-key',
    severity: 'error',
    title: 'A certificate stands without its key: there is none in the files, or that of another certificate.',
    consequence:
      'Posthaste does not start. Postfix answers STARTTLS with 454 4.7.0 TLS not available due to local problem, and where TLS is required no mail comes in.',
    mend: 'Name the files that were made together, in PEM: smtpd_tls_chain_files has each key before its certificates.',
    *check(context) {
      for (const { service, files, isClient } of chains(context)) {
        const read = files.map(({ path }) => context.files.read(path));
        const texts = read.flatMap((one) => (one.kind === 'text' ? [one.text] : []));
        if (texts.length < read.length) continue;
        try {
          parseChains(texts.flatMap(pemBlocks), files.map(({ path }) => path).join(', '));
        } catch (error) {
          const name = files.at(-1)?.name ?? '';
          const text = `${name}: ${(error as Error).message}`;
          yield {
            place: service ?? context.placeOf(name),
            text,
            ...(isClient ? { consequence: clientConsequence } : {}),
          };
        }
      }
    },
  },
];

interface ChainFile {
  readonly name: string;
  readonly path: string;
}

interface ChainFiles {
  /** That says so itself. */
  readonly service: Place | undefined;
  /** A key and its chain, in as many files. */
  readonly files: readonly ChainFile[];
  readonly isClient: boolean;
}

/** Each group of files once, main.cf's first. */
function* chains(context: LintContext): Generator<ChainFiles> {
  const seen = new Set<string>();
  const all = [
    { settings: context.settings, service: undefined },
    ...context.services.map((service) => ({ settings: service.settings, service })),
  ];
  for (const { settings, service } of all) {
    for (const prefix of ['smtpd', 'smtp', 'lmtp']) {
      for (const files of groups(context, settings, prefix)) {
        const key = files.map(({ path }) => path).join(' ');
        if (seen.has(`${prefix} ${key}`)) continue;
        seen.add(`${prefix} ${key}`);
        yield { service, files, isClient: prefix !== 'smtpd' };
      }
    }
  }
}

function groups(context: LintContext, settings: Settings, prefix: string): ChainFile[][] {
  const name = `${prefix}_tls_chain_files`;
  const listed = context.list(name, settings).filter(isFile);
  if (listed.length > 0) return [listed.map((path) => ({ name, path }))];
  return ['', 'ec'].flatMap((kind) => {
    const [key, certificate] = ['key', 'cert'].map((what) => {
      const parameter = `${prefix}_tls_${kind}${what}_file`;
      return { name: parameter, path: context.text(parameter, settings) };
    }) as [ChainFile, ChainFile];
    if (!isFile(certificate.path)) return [];
    return [isFile(key.path) && key.path !== certificate.path ? [key, certificate] : [certificate]];
  });
}

function isFile(path: string): boolean {
  return path !== '' && path.toLowerCase() !== 'none';
}

function* unreadable(
  context: LintContext,
  { name, path }: ChainFile,
  service?: Place,
  isClient = false,
): Generator<Hit> {
  const read = context.files.read(path);
  if (read.kind === 'text' || isElsewhere(context, path)) return;
  const hit = { place: service ?? context.placeOf(name), text: `${name}: ${path}: ${read.reason}` };
  if (read.reason !== 'EACCES') {
    yield { ...hit, ...(isClient ? { consequence: clientConsequence } : {}) };
    return;
  }
  yield {
    ...hit,
    severity: 'hint',
    consequence: 'Whether it is in order was not looked at: whoever asks here may not read it.',
    mend: 'Ask again as the user that starts the server.',
  };
}

function isElsewhere({ files }: LintContext, path: string): boolean {
  return files.root !== undefined && files.root !== '/' && files.stat(dirname(path)) === undefined;
}
