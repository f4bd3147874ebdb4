// Rules about master.cf (master(5)): services that are missing, that cannot run, or that get other arguments than meant.

import type { MasterService } from '../../settings/services.ts';
import type { LintContext } from '../context.ts';
import type { Hit, Rule } from '../rule.ts';
import { cut, some } from '../show.ts';
import { splitTransport, transportsUsed } from '../transports-used.ts';
import { fromSettings } from './main-cf.ts';

/** Without these no mail moves. `local` and others are needed only where something names them. */
const coreServices = ['cleanup', 'qmgr', 'rewrite', 'bounce', 'defer', 'trace', 'error', 'retry'];

export const masterCfRules: readonly Rule[] = [
  {
    id: 'service-missing',
    severity: 'error',
    title: 'A transport is named that master.cf does not have.',
    consequence: 'Its mail is deferred: 4.3.0 mail transport unavailable.',
    mend: 'Add the service to master.cf, or name one that is there.',
    *check(context) {
      if (context.masterFile === undefined) return;
      for (const { transport, from, parameter, place } of transportsUsed(context)) {
        if (context.transport(transport) !== undefined) continue;
        // A host or domain for a transport's name has its own rule.
        if (parameter !== from && /[.[\]@]/.test(transport)) continue;
        yield { place, text: `${parameter === from ? parameter : `${parameter}: ${from}`} names ${cut(transport)}` };
      }
    },
  },
  {
    id: 'core-service-missing',
    severity: 'error',
    title: 'A service that every mail needs is not in master.cf.',
    consequence: 'Mail is accepted and not processed, or Postfix does not answer at all.',
    mend: 'Take the line from the master.cf that came with Postfix.',
    *check(context) {
      if (context.masterFile === undefined) {
        const place = { file: `${context.directory}/master.cf`, line: 0 };
        yield { place, severity: 'hint', text: 'there is no master.cf here: nothing is said about services' };
        return;
      }
      // A folder of this program's own names only what it listens on and delivers by.
      if (context.isOurs) return;
      const missing = coreServices.filter((name) => !context.services.some((service) => service.name === name));
      const isProxyUsed = context.tables.some(({ isProxied }) => isProxied);
      if (isProxyUsed && !context.services.some(({ name }) => name === 'proxymap')) missing.push('proxymap');
      if (missing.length > 0) yield { place: { file: context.masterFile.path, line: 0 }, text: some(missing, 9) };
    },
  },
  {
    id: 'service-twice',
    severity: 'warning',
    title: 'A service is defined twice.',
    consequence: 'The last line wins; the earlier one and its overrides have no effect.',
    mend: 'Keep one of the lines.',
    check: (context) => fromSettings(context, /^service .* is already defined/),
  },
  {
    id: 'unknown-command',
    severity: 'error',
    title: 'A service runs a program that Postfix does not have.',
    consequence: 'The service cannot start; what needs it waits.',
    mend: 'Correct the eighth field.',
    check: (context) => fromSettings(context, /^unknown command /),
  },
  {
    id: 'override-cut-by-blank',
    severity: 'warning',
    title: 'A value of `-o` ends at a blank.',
    consequence: 'Only the words before the blank are the value; the others are arguments that nobody reads.',
    mend: 'Use commas without blanks, or write -o { name = value with blanks }.',
    check: cutOverrides,
  },
  {
    id: 'pipe-user',
    severity: 'error',
    title: 'A pipe(8) service has no `user=`, or one that it must not have, or no `argv=`.',
    consequence: 'pipe(8) refuses to deliver; the mail is deferred.',
    mend: 'Give user= an account of its own, neither root nor postfix, and argv= as the last argument.',
    *check({ services }) {
      for (const service of services) {
        const problem = service.command === 'pipe' ? pipeProblem(service) : undefined;
        if (problem !== undefined) yield { place: service, text: `${service.name} ${problem}` };
      }
    },
  },
  {
    id: 'pipe-recipient-limit',
    severity: 'warning',
    title: 'A pipe(8) transport gets several recipients at a time, and its command or its flags take one.',
    consequence:
      'The command is called with one option and several addresses after it: all but the first are lost or refused; with flag D or O pipe(8) defers the mail.',
    mend: 'Set NAME_destination_recipient_limit = 1 in main.cf.',
    check: pipeRecipientLimits,
  },
  {
    id: 'unprivileged-delivery',
    severity: 'error',
    title: 'A delivery agent that has to become the mailbox’s owner runs without the right to.',
    consequence: 'Every delivery is deferred.',
    mend: 'Write n in the fourth field (unpriv).',
    *check({ services }) {
      for (const service of services) {
        if (!['local', 'virtual', 'pipe', 'spawn'].includes(service.command) || !service.unprivileged) continue;
        yield { place: service, text: `${service.name} (${service.command}) is unprivileged` };
      }
    },
  },
  {
    id: 'chroot-socket',
    severity: 'warning',
    title: 'A service in a chroot asks a database through a socket that lies outside.',
    consequence: 'The lookup fails in that service only: 451 Temporary lookup failure, though postmap -q works.',
    mend: 'Write proxy: before the table (with proxymap not in a chroot), or hosts = 127.0.0.1.',
    check: chrootedSockets,
  },
];

function* cutOverrides({ services }: LintContext): Generator<Hit> {
  for (const service of services) {
    if (service.command === 'pipe' || service.command === 'spawn' || service.command === 'postscreen') continue;
    const stray = service.args.filter((word) => !word.startsWith('-') && !word.startsWith('#'));
    const before = service.args.findIndex((word) => word.startsWith('#'));
    const found = before === -1 ? stray : stray.filter((word) => service.args.indexOf(word) < before);
    if (found.length > 0) {
      yield { place: service, text: `service ${service.name}: "${cut(found.join(' '))}" belongs to no option` };
    }
  }
}

function pipeProblem({ args }: MasterService): string | undefined {
  const user = args.find((word) => word.startsWith('user='))?.slice('user='.length);
  if (!args.some((word) => word.startsWith('argv='))) return 'has no argv=';
  if (user === undefined || user === '') return 'has no user=';
  const name = user.split(':')[0] ?? '';
  return name === 'root' || name === 'postfix' ? `must not run as ${name}` : undefined;
}

const recipientMacro = /\$[{(]?(recipient|original_recipient|mailbox|user|extension)\b/;

function* pipeRecipientLimits(context: LintContext): Generator<Hit> {
  const used = new Map(transportsUsed(context).map((use) => [use.transport, use]));
  for (const service of context.services) {
    if (service.command !== 'pipe' || !used.has(service.name)) continue;
    const limit = context.text(`${service.name}_destination_recipient_limit`) || defaultLimit(context);
    if (limit === '1') continue;
    const start = service.args.findIndex((word) => word.startsWith('argv='));
    const flags = service.args.find((word) => word.startsWith('flags='))?.slice('flags='.length) ?? '';
    const words = service.args.slice(start);
    const at = words.findIndex((word) => recipientMacro.test(word));
    if (at === -1 && !/[DO]/.test(flags)) continue;
    const before = words[at - 1] ?? '';
    const takesOne = /[DO]/.test(flags) || before.startsWith('-') || /vacation|autoreply-script/.test(words[0] ?? '');
    const option = /[DO]/.test(flags) ? `flags=${flags}` : `${before} ${words[at] ?? ''}`.trim();
    yield {
      place: service,
      text: `${service.name} (${cut(option)}) has ${service.name}_destination_recipient_limit = ${limit}`,
      mend: `Set ${service.name}_destination_recipient_limit = 1 in main.cf.`,
      // A command that takes addresses as its last words may take many.
      ...(takesOne ? {} : { severity: 'hint' as const }),
    };
  }
}

function defaultLimit(context: LintContext): string {
  return context.text('default_destination_recipient_limit');
}

function* chrootedSockets(context: LintContext): Generator<Hit> {
  const proxymap = context.services.find(({ name }) => name === 'proxymap');
  const askers = context.services.filter(
    ({ chroot, command }) => chroot && ['smtpd', 'cleanup', 'trivial-rewrite', 'smtp', 'lmtp'].includes(command),
  );
  const told = new Set<string>();
  for (const use of context.tables) {
    const source = context.sqlSource(use);
    if (source === undefined || (use.type !== 'mysql' && use.type !== 'pgsql')) continue;
    const hosts = (source.parameters.get('hosts')?.value ?? '').split(/[\s,]+/).filter((host) => host !== '');
    const socket = hosts.find((host) => host.startsWith('unix:') || (use.type === 'mysql' && host === 'localhost'));
    if (socket === undefined && hosts.length > 0) continue;
    const inside = use.isProxied ? (proxymap?.chroot === true ? [proxymap] : []) : askers;
    if (inside.length === 0 || told.has(use.text)) continue;
    told.add(use.text);
    const names = some(new Set(inside.map(({ name }) => name)));
    yield {
      place: use.place,
      text: `${use.parameter}: ${use.text} (hosts = ${socket ?? 'localhost'}) is asked by ${names} in a chroot`,
    };
  }
}

/** `virtual` as the transport of a class, for the rules of other families. */
export function isTransport(context: LintContext, parameter: string, command: string): boolean {
  const { transport } = splitTransport(context.text(parameter));
  return (context.transport(transport)?.command ?? transport) === command;
}
