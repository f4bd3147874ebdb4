// Rules about main.cf as text: what is set twice, runs on into the next line, or says something that Postfix reads
// differently (postconf(5)).

import { findParameter, isDeclared } from '../../settings/registry.ts';
import { isCommentOrBlank } from '../../lib/logical-lines.ts';
import type { Finding } from '../../settings/origin.ts';
import { splitNameValue } from '../../settings/main-cf.ts';
import { parseNetwork } from '../../tables/networks.ts';
import type { LintContext, SourceFile } from '../context.ts';
import type { Hit, Rule } from '../rule.ts';
import { cut } from '../show.ts';
import { usesVirtual } from '../transports-used.ts';

/** Postfix's VDA patch, which no distribution ships any more. */
const vdaParameters = new Set(
  `virtual_mailbox_limit_maps virtual_mailbox_limit_inbox virtual_mailbox_limit_override virtual_mailbox_extended
  virtual_create_maildirsize virtual_maildir_extended virtual_maildir_limit_message virtual_maildir_limit_message_maps
  virtual_maildir_filter virtual_maildir_filter_maps virtual_maildir_suffix virtual_overquota_bounce
  virtual_trash_count virtual_trash_name`.split(/\s+/),
);

/** How the readers of the settings speak of lines that they cannot read. */
const unreadableLine =
  /^(logical line must not|missing (attribute|'=')|bad field count|invalid \w+ field|missing '}'|syntax error|-o )/;

export const mainCfRules: readonly Rule[] = [
  {
    id: 'parameter-twice',
    severity: 'warning',
    title: 'A parameter is set twice in main.cf.',
    consequence: 'The last definition wins silently; the value that somebody looks at may be the one without effect.',
    mend: 'Remove the definition that is not meant.',
    *check(context) {
      for (const file of context.mainFiles) yield* parametersTwice(file);
    },
  },
  {
    id: 'inline-comment',
    severity: 'warning',
    title: 'A comment stands behind a value; Postfix has comments only on lines of their own.',
    consequence: 'The `#` and every word behind it become part of the value.',
    mend: 'Put the comment on a line of its own.',
    check: inlineComments,
  },
  {
    id: 'parameter-in-continuation',
    severity: 'error',
    title: 'A line that sets a parameter is indented, so it continues the one before.',
    consequence: 'The parameter is not set; its name and value become part of the one before.',
    mend: 'Let the line begin at its first column.',
    *check(context) {
      for (const file of context.mainFiles) yield* indentedParameters(file);
    },
  },
  {
    id: 'continuation-of-comment',
    severity: 'warning',
    title: 'The first line of a parameter is commented out, the lines that continued it are not.',
    consequence: 'They continue the parameter before, since comments do not end a logical line.',
    mend: 'Comment the continuation lines out too.',
    *check(context) {
      for (const file of context.mainFiles) yield* continuedComments(file);
    },
  },
  {
    id: 'unknown-parameter',
    severity: 'warning',
    title: 'A parameter that nothing reads.',
    consequence: 'Its value has no effect; a misspelt name leaves the default in force.',
    mend: 'Correct the name or remove the line.',
    check: (context) =>
      fromSettings(context, /^unknown parameter (\S+):/, ({ text }) => {
        const name = /^unknown parameter ([^:\s]+)/.exec(text)?.[1] ?? '';
        return vdaParameters.has(name) ? undefined : text;
      }),
  },
  {
    id: 'vda-parameter',
    severity: 'warning',
    title: 'A parameter of the VDA patch, which Postfix as it is does not have.',
    consequence: 'Nothing reads it: quotas set this way are not kept by anyone.',
    mend: 'Remove it; let the mailbox store keep the quota.',
    *check(context) {
      for (const name of context.settings.names()) {
        if (vdaParameters.has(name)) yield { place: context.placeOf(name), text: `${name} is not a Postfix parameter` };
      }
    },
  },
  {
    id: 'undefined-reference',
    severity: 'warning',
    title: 'A value refers to a `$name` that nothing defines.',
    consequence: 'The reference is empty.',
    mend: 'Define the name, or correct it.',
    check: (context) => fromSettings(context, /refers to \$\w+, which nothing defines/),
  },
  {
    id: 'bad-value',
    severity: 'error',
    title: 'A value that its parameter, or a service’s address, cannot have.',
    consequence: 'Postfix does not start, or the service that reads it ends at once.',
    mend: 'Write one of the values that are named.',
    *check({ settingsFindings }) {
      for (const { severity, text, file, line } of settingsFindings) {
        const isToldElsewhere = unreadableLine.test(text) || text.startsWith('the file does not exist');
        if (severity === 'error' && !isToldElsewhere) yield { place: { file, line }, text };
      }
    },
  },
  {
    id: 'syntax-error',
    severity: 'error',
    title: 'A line of main.cf or master.cf that cannot be read.',
    consequence: 'Postfix stops with a fatal error at this line.',
    mend: 'Write `name = value`, or the eight fields of a service, from the first column on.',
    check: (context) => fromSettings(context, unreadableLine),
  },
  {
    id: 'quoted-value',
    severity: 'warning',
    title: 'A value stands in quotation marks; Postfix takes them for part of it.',
    consequence: 'The value with its quotation marks matches nothing and names no file.',
    mend: 'Remove the quotation marks.',
    *check(context) {
      for (const name of context.settings.names()) {
        const kind = findParameter(name)?.kind;
        if (kind === undefined || kind === 'raw' || context.settings.origin(name).kind !== 'file') continue;
        const value = context.settings.raw(name) ?? '';
        if (/^(["']).+\1$/.test(value)) yield { place: context.placeOf(name), text: `${name} = ${cut(value)}` };
      }
    },
  },
  {
    id: 'mynetworks-everyone',
    severity: 'error',
    title: 'mynetworks holds every address there is.',
    consequence: 'permit_mynetworks lets anyone relay: an open relay, found and listed within hours.',
    mend: 'List the networks whose machines may send through this one.',
    *check(context) {
      for (const element of context.list('mynetworks')) {
        if (isEverybody(element)) {
          yield { place: context.placeOf('mynetworks'), text: `mynetworks contains ${element}` };
        }
      }
    },
  },
  {
    id: 'network-host-bits',
    severity: 'error',
    title: 'A network in mynetworks has bits set beyond its length.',
    consequence: 'Postfix refuses the pattern: a warning in the log, and lookups in mynetworks fail.',
    mend: 'Write the network’s own address, as 192.168.1.0/24.',
    *check(context) {
      for (const element of context.list('mynetworks')) {
        const problem = networkProblem(element.replace(/^!/, ''));
        if (problem !== undefined) yield { place: context.placeOf('mynetworks'), text: problem };
      }
    },
  },
  {
    id: 'mailbox-limit-too-small',
    severity: 'error',
    title: 'A mailbox may be smaller than one message.',
    consequence: 'virtual(8) or local(8) refuses to run; all its mail is deferred.',
    mend: 'Raise the mailbox limit, or set it to 0 for none.',
    *check(context) {
      const messageLimit = context.number('message_size_limit') ?? 0;
      for (const name of ['virtual_mailbox_limit', 'mailbox_size_limit']) {
        const limit = context.number(name) ?? 0;
        if (limit === 0 || limit >= messageLimit) continue;
        if (name === 'virtual_mailbox_limit' && !usesVirtual(context)) continue;
        if (name === 'mailbox_size_limit' && !deliversLocally(context)) continue;
        const place = context.placeOf(context.isSet(name) ? name : 'message_size_limit');
        yield { place, text: `${name} (${limit}) is below message_size_limit (${messageLimit})` };
      }
    },
  },
];

/** Findings of the settings' own readers whose text is of this form. */
export function* fromSettings(
  context: LintContext,
  form: RegExp,
  say: (finding: Finding) => string | undefined = ({ text }) => text,
): Generator<Hit> {
  for (const finding of context.settingsFindings) {
    if (!form.test(finding.text)) continue;
    const text = say(finding);
    if (text !== undefined) yield { place: { file: finding.file, line: finding.line }, text };
  }
}

export function isEverybody(network: string): boolean {
  return /^(0\.0\.0\.0\/0|\[?::\]?\/0|0\/0|static:.*)$/.test(network);
}

function* parametersTwice({ path, logicalLines }: SourceFile): Generator<Hit> {
  const first = new Map<string, number>();
  for (const { text, line } of logicalLines) {
    const split = splitNameValue(text);
    if (typeof split === 'string') continue;
    const earlier = first.get(split.name);
    if (earlier !== undefined) {
      yield { place: { file: path, line }, text: `${split.name} is set on line ${earlier} already; this one holds` };
    }
    first.set(split.name, line);
  }
}

function* inlineComments(context: LintContext): Generator<Hit> {
  const looksLikeComment = /\s#(\s|$|[A-Za-z])/;
  for (const { path, logicalLines } of context.mainFiles) {
    for (const { text, line } of logicalLines) {
      const comment = looksLikeComment.exec(text);
      if (comment !== null) {
        yield { place: { file: path, line }, text: `"${cut(text.slice(comment.index).trim())}" is part of the value` };
      }
    }
  }
  for (const service of context.services) {
    const comment = service.args.find((word) => word.startsWith('#'));
    if (comment !== undefined) {
      const words = service.args.slice(service.args.indexOf(comment)).join(' ');
      yield { place: service, text: `"${cut(words)}" is given to ${service.command} as arguments` };
    }
  }
}

/** Each physical line that continues, with the logical line's first. */
function* continuations({ lines, logicalLines }: SourceFile): Generator<{ text: string; line: number; first: number }> {
  for (const { line: first, lastLine } of logicalLines) {
    for (let line = first + 1; line <= lastLine; line++) {
      const text = lines[line - 1] ?? '';
      if (!isCommentOrBlank(text)) yield { text, line, first };
    }
  }
}

function* indentedParameters(file: SourceFile): Generator<Hit> {
  for (const { text, line, first } of continuations(file)) {
    const name = /^\s+(\w+)\s*=/.exec(text)?.[1] ?? '';
    const owner = /^\w+/.exec(file.lines[first - 1] ?? '')?.[0] ?? '';
    if (isDeclared(name)) yield { place: { file: file.path, line }, text: `${name} becomes part of ${owner}` };
  }
}

function* continuedComments(file: SourceFile): Generator<Hit> {
  for (const { line, first } of continuations(file)) {
    const name = /^#\s*(\w+)\s*=/.exec(file.lines[line - 2] ?? '')?.[1] ?? '';
    const owner = /^\w+/.exec(file.lines[first - 1] ?? '')?.[0] ?? '';
    if (isDeclared(name) && owner !== name) {
      yield { place: { file: file.path, line }, text: `this line continued ${name} and now continues ${owner}` };
    }
  }
}

/** Without a master.cf to look at, as every Postfix does. */
function deliversLocally({ masterFile, services }: LintContext): boolean {
  return masterFile === undefined || services.some(({ command }) => command === 'local');
}

function networkProblem(text: string): string | undefined {
  try {
    parseNetwork(text);
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}
