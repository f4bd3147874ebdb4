// Parameters of main.cf, services of master.cf, and what lint says of them: for administrators of the host. What of it may not
// be changed over the network stands in settings/guards.ts.

import { Type } from 'typebox';
import { type OperationContext, operation } from '../operation.ts';
import { fail, failMissing } from '../problem.ts';
import { anyText, count, object, optional, page, pageInput, toPage, yes } from '../schemas.ts';
import type { SettingInfo, SettingsPart } from '../settings-part.ts';

const name = anyText("The parameter's name.", 200);
const file = anyText('The file.');
const line = count('From 1; 0: the file as a whole.');
const finding = object({
  rule: anyText("The rule's name: docs/lint.md."),
  severity: Type.Enum(['error', 'warning', 'hint']),
  file,
  line,
  text: anyText('What is wrong.'),
  consequence: anyText('What happens.'),
  mend: anyText('What to do.'),
  parameter: optional(anyText('The parameter on that line.')),
  service: optional(anyText('The service on that line.')),
});
const fields = {
  name,
  area: anyText('What it belongs to.'),
  kind: Type.Enum(['text', 'list', 'flag', 'integer', 'time'], { description: 'flag: yes or no.' }),
  unit: optional(anyText('Of a time without a letter: s, m, h, d or w.')),
  words: optional(Type.Array(Type.String(), { description: 'The only values.' })),
  min: optional(Type.Integer()),
  max: optional(Type.Integer()),
  default: anyText('As postconf -d shows it.'),
  value: anyText('As written; empty for a secret.'),
  expanded: optional(anyText('With $names replaced, where that is something else.')),
  isSet: yes('It stands in a file.'),
  isSecret: yes('It may hold a password, and is not shown.'),
  origin: object({
    kind: Type.Enum(['default', 'first-start', 'file'], {
      description: 'first-start: as the first start wrote the line.',
    }),
    file: optional(file),
    line: optional(line),
  }),
  status: Type.Enum(['supported', 'unsupported', 'unneeded'], {
    description: 'unsupported: nothing acts on it yet; unneeded: it has no meaning here.',
  }),
  text: anyText('What it is for.'),
  needsRestart: yes('A new value counts after a restart.'),
  machineOnly: optional(anyText('Why it is changed on the machine only.')),
  overrides: Type.Array(
    object({
      service: anyText('The service of master.cf.'),
      type: anyText('Its type.'),
      line,
      value: anyText('Its -o; empty for a secret.'),
    }),
  ),
};
const setting = object(fields);
const findings = Type.Array(finding);
const changed = object({
  setting,
  restart: Type.Array(Type.String(), { description: 'What counts only after a restart.' }),
  findings: Type.Array(finding, { description: 'What lint did not say before.' }),
});
const access = { who: 'host' } as const;

function isFound(text: string) {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  return ({ name: of, text: about, value, area }: SettingInfo): boolean => {
    const all = `${of} ${about} ${value} ${area}`.toLowerCase();
    return words.every((word) => all.includes(word));
  };
}

async function namesWithFindings(part: SettingsPart): Promise<Set<string | undefined>> {
  return new Set((await part.lint()).findings.map(({ parameter }) => parameter));
}

async function change(
  context: OperationContext,
  of: string,
  make: (part: SettingsPart) => ReturnType<SettingsPart['set']>,
) {
  const part = await context.server.settings();
  const { before, after, isSecret, restart, findings: found } = await make(part);
  const hide = (value: string | undefined) => (isSecret && value !== undefined ? '(not shown)' : value);
  if (before !== after) await context.view.settings.noteParameter(of, hide(before), hide(after));
  return { setting: (await part.show(of)) ?? failMissing(), restart, findings: found };
}

export const settingOperations = [
  operation({
    name: 'setting.list',
    summary: 'List the parameters of main.cf: value, origin, what they are for.',
    method: 'GET',
    path: '/settings',
    input: object({
      ...pageInput,
      search: optional(anyText('Words of the name, the text or the value.', 200)),
      only: optional(Type.Enum(['set', 'findings'], { description: 'Those that are set, or that lint speaks of.' })),
    }),
    output: page(setting),
    access,
    kind: 'read',
    run: async ({ search = '', only, after = '', limit = 100 }, { server }) => {
      const part = await server.settings();
      const all = await part.list();
      const spoken = only === 'findings' ? await namesWithFindings(part) : undefined;
      const isWanted = (one: SettingInfo) =>
        (only !== 'set' || one.isSet || one.overrides.length > 0) && (spoken?.has(one.name) ?? true);
      const start = after === '' ? 0 : all.findIndex((one) => one.name === after) + 1;
      const found = all.slice(start).filter(isFound(search)).filter(isWanted);
      return toPage<SettingInfo>(found.slice(0, limit + 1), limit, (one) => one.name);
    },
  }),
  operation({
    name: 'setting.show',
    summary: 'Show a parameter of main.cf.',
    method: 'GET',
    path: '/settings/{name}',
    input: object({ name }),
    output: setting,
    access,
    kind: 'read',
    // Lines above it and what it refers to are no part of it.
    passing: ['line', 'expanded'],
    run: async (input, { server }) => (await (await server.settings()).show(input.name)) ?? failMissing(),
  }),
  operation({
    name: 'setting.set',
    summary:
      'Change a parameter in main.cf, as postconf -e, and reload. What would break the configuration is refused.',
    method: 'PUT',
    path: '/settings/{name}',
    input: object({ name, value: anyText('As it is to be written; one line.', 10_000) }),
    output: changed,
    access,
    kind: 'act',
    shownBy: 'setting.show',
    run: async ({ name: of, value }, context) =>
      await change(context, of, (part) => part.set(of, value, context.checkSeen)),
  }),
  operation({
    name: 'setting.reset',
    summary: 'Take a parameter out of main.cf, so that its default holds, and reload.',
    method: 'DELETE',
    path: '/settings/{name}',
    input: object({ name }),
    output: changed,
    access,
    kind: 'act',
    shownBy: 'setting.show',
    run: async ({ name: of }, context) => {
      const part = await context.server.settings();
      const found = (await part.show(of)) ?? failMissing();
      if (!found.isSet) fail(409, 'not-set', `${of} is not set: its default holds`);
      return await change(context, of, () => part.set(of, undefined, context.checkSeen));
    },
  }),
  operation({
    name: 'setting.undo',
    summary: 'Undo the last change of a parameter over the network since the start of the server, and reload.',
    method: 'POST',
    path: '/settings/{name}/undo',
    input: object({ name }),
    output: changed,
    access,
    kind: 'act',
    shownBy: 'setting.show',
    run: async ({ name: of }, context) => await change(context, of, (part) => part.undo(of, context.checkSeen)),
  }),
  operation({
    name: 'setting.state',
    summary: 'Say whether settings can be changed over the network, and what waits for a restart.',
    method: 'GET',
    path: '/settings-state',
    input: object({}),
    output: object({
      isWritable: yes("The server's user may write main.cf."),
      restart: Type.Array(Type.String(), { description: 'What counts only after a restart.' }),
    }),
    access,
    kind: 'read',
    run: async (_input, { server }) => {
      const part = await server.settings();
      return { isWritable: await part.isWritable(), restart: part.pendingRestart() };
    },
  }),
  operation({
    name: 'service.list',
    summary: 'List the services of master.cf: whether they run, where they listen, what they override.',
    method: 'GET',
    path: '/services',
    input: object({}),
    output: object({
      items: Type.Array(
        object({
          name: anyText('The first field.'),
          type: anyText('inet, unix …'),
          command: anyText('smtpd, smtp, pipe …'),
          file,
          line,
          state: Type.Enum(['listening', 'running', 'within', 'off'], {
            description: 'within: the program does it without a process. off: it does not run.',
          }),
          addresses: Type.Array(Type.String(), { description: 'Where it listens now.' }),
          overrides: Type.Array(object({ name, value: anyText('Empty for a secret.') })),
        }),
      ),
    }),
    access,
    kind: 'read',
    run: async (_input, { server }) => ({ items: await (await server.settings()).services() }),
  }),
  operation({
    name: 'lint.list',
    summary: 'List what lint finds in the configuration: what is wrong, what happens, and how to mend it.',
    method: 'GET',
    path: '/lint',
    input: object({}),
    output: object({ items: findings, isCut: yes('Some rules had more to say than is kept.') }),
    access,
    kind: 'read',
    run: async (_input, { server }) => {
      const { findings: items, isCut } = await (await server.settings()).lint();
      return { items, isCut };
    },
  }),
];
