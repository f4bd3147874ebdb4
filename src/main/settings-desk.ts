// Parameters changed over the network: the same edit as `posthaste postconf -e`, then the same reload as `posthaste reload`.
// Before a byte is written the whole configuration is read and linted with the new value, on a thread of its own; what
// would break it is refused with the finding. One change at a time. Loaded when somebody first asks.

import { constants } from 'node:fs';
import { access, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type {
  ChangedSetting,
  LintReport,
  ServiceInfo,
  SettingFinding,
  SettingInfo,
  SettingsPart,
} from '../admin/settings-part.ts';
import { fail } from '../admin/problem.ts';
import type { Clock } from '../lib/clock.ts';
import { type Configuration, loadConfiguration, type ProposedTexts } from '../settings/configuration.ts';
import { editMainCf, type MainCfEdit } from '../settings/edit-main-cf.ts';
import { isSecret, nameRefusal, valueRefusal } from '../settings/network-edits.ts';
import type { Finding } from '../settings/origin.ts';
import { replaceTextFile } from '../settings/replace-text-file.ts';
import type { Settings } from '../settings/settings.ts';
import { SettingsError } from '../settings/settings-error.ts';
import { type LintAnswer, LintAside } from './lint-aside.ts';
import { type PlannedListener, planListeners } from './listeners.ts';
import { needsRestart } from './needs-restart.ts';
import { SettingFacts } from './setting-facts.ts';

export interface SettingsDeskParts {
  readonly folder: string;
  readonly clock: Clock;
  /** What needs a restart; throws where the configuration cannot be used, and all stays as it was. */
  readonly reload: () => Promise<readonly string[]>;
  /** Throws SettingsError where a reload could not use it. */
  readonly rehearse: (proposed: Configuration) => Promise<void>;
  readonly started: { readonly listeners: readonly PlannedListener[]; readonly settings: Settings };
  /** In force. */
  readonly configuration: () => Configuration;
  readonly listeners: () => Promise<readonly { readonly address: string }[]>;
}

/** Files as Latin-1: each character one byte, so that no byte of other lines changes. */
interface FileChange {
  readonly file: string;
  readonly before: string;
  readonly after: string;
}

interface ProposedFindings {
  readonly answer: LintAnswer;
  /** New ones. */
  readonly findings: SettingFinding[];
}

interface Undo extends FileChange {
  readonly value: string | undefined;
}

const maxValueLength = 10_000;
const maxUndo = 50;

export class SettingsDesk implements SettingsPart {
  readonly #parts: SettingsDeskParts;
  readonly #lint: LintAside;
  /** By name, the newest last; only in memory. */
  readonly #undo = new Map<string, Undo>();
  #last: Promise<unknown> = Promise.resolve();

  constructor(parts: SettingsDeskParts) {
    this.#parts = parts;
    this.#lint = new LintAside(parts.folder, parts.clock);
  }

  async list(): Promise<readonly SettingInfo[]> {
    return (await this.#facts()).list();
  }

  async show(name: string): Promise<SettingInfo | undefined> {
    return (await this.#facts()).show(name);
  }

  async services(): Promise<readonly ServiceInfo[]> {
    return (await this.#facts()).services(await this.#parts.listeners());
  }

  async lint(): Promise<LintReport> {
    const [facts, { findings, cutRules }] = [await this.#facts(), await this.#lint.look()];
    return { findings: facts.findings(findings), isCut: cutRules.length > 0 };
  }

  pendingRestart(): readonly string[] {
    const { started, configuration } = this.#parts;
    const { settings } = configuration();
    return needsRestart(started, { listeners: planListeners(configuration()), settings });
  }

  async isWritable(): Promise<boolean> {
    const { folder } = this.#parts;
    const may = (path: string) =>
      access(path, constants.W_OK).then(
        () => true,
        () => false,
      );
    // The file is replaced by one that is written beside it.
    return (await may(folder)) && (await may(join(folder, 'main.cf')));
  }

  async set(name: string, value: string | undefined, check?: () => Promise<void>): Promise<ChangedSetting> {
    return await this.#alone(async () => {
      await check?.();
      const before = await this.#load();
      const trimmed = value?.trim();
      if (trimmed !== undefined) checkText(trimmed);
      const edit: MainCfEdit =
        trimmed === undefined
          ? { kind: 'remove', names: new Set([name]) }
          : { kind: 'set', values: new Map([[name, Buffer.from(trimmed, 'utf8').toString('latin1')]]) };
      const file = this.#fileOf(name, before);
      const text = await readFile(file, 'latin1');
      return await this.#make(name, before, { file, before: text, after: editMainCf(text, edit).text });
    });
  }

  async undo(name: string, check?: () => Promise<void>): Promise<ChangedSetting> {
    const undo = this.#undo.get(name);
    if (undo === undefined) {
      fail(409, 'nothing-to-undo', `${name} has not been changed over the network since the server was started`);
    }
    const isAsLeft = (await readFile(undo.file, 'latin1')) === undo.after;
    if (!isAsLeft) return await this.set(name, undo.value, check);
    return await this.#alone(async () => {
      await check?.();
      const { file, before, after } = undo;
      return await this.#make(name, await this.#load(), { file, before: after, after: before });
    });
  }

  async #make(name: string, before: Configuration, change: FileChange): Promise<ChangedSetting> {
    if (before.settings.raw(name) === undefined) fail(404, 'not-found', `there is no parameter ${name}`);
    const { file } = change;
    const proposed: ProposedTexts = { [file]: decoded(change.after) };
    const after = await loadConfiguration(this.#parts.folder, proposed);
    refuseGuarded(name, before, after);
    refuseBroken(before, after);
    const { answer, findings } = await this.#newFindings(proposed, after);
    await this.#rehearse(after);
    await this.#write(name, change);
    const restart = await this.#reload(change);
    await this.#lint.remember(answer);
    const was = valueOf(name, before);
    this.#undo.delete(name);
    this.#undo.set(name, { ...change, value: was });
    if (this.#undo.size > maxUndo) this.#undo.delete(this.#undo.keys().next().value ?? '');
    const secret = isSecret(name, after.settings) || isSecret(name, before.settings);
    return { before: was, after: valueOf(name, after), isSecret: secret, restart, findings };
  }

  /** Refuses where an error is among them. */
  async #newFindings(proposed: ProposedTexts, after: Configuration): Promise<ProposedFindings> {
    const keyOf = ({ rule, text }: { readonly rule: string; readonly text: string }) => `${rule} ${text}`;
    const known = new Set((await this.#lint.look()).findings.map(keyOf));
    const answer = await this.#lint.ask(proposed);
    const found = answer.findings.filter((finding) => !known.has(keyOf(finding)));
    const findings = (await SettingFacts.read(after)).findings(found);
    const errors = findings.filter(({ severity }) => severity === 'error');
    const [first] = errors;
    if (first === undefined) return { answer, findings };
    const more = errors.length === 1 ? '' : ` (and ${errors.length - 1} more)`;
    return fail(422, 'breaks-configuration', `${first.text}. ${first.consequence}${more}`, {
      field: 'value',
      mend: first.mend,
    });
  }

  async #write(name: string, { file, before, after }: FileChange): Promise<void> {
    if ((await readFile(file, 'latin1')) !== before) {
      fail(409, 'changed-meanwhile', `somebody has changed ${file} in this moment: look again`);
    }
    try {
      await replaceTextFile(file, after);
    } catch (error) {
      const { code = '' } = error as NodeJS.ErrnoException;
      if (code === 'ENOSPC') throw error;
      const mend = `on the machine: posthaste postconf -e '${name} = …', then posthaste reload`;
      fail(403, 'on-the-machine', `the server's user may not write ${file} (${code})`, { mend });
    }
  }

  /** Before anything is written: what stands in the file is always what a start can use. */
  async #rehearse(after: Configuration): Promise<void> {
    try {
      await this.#parts.rehearse(after);
    } catch (error) {
      if (error instanceof SettingsError) fail(422, 'breaks-configuration', error.message, { field: 'value' });
      throw error;
    }
  }

  async #reload({ file, before }: FileChange): Promise<readonly string[]> {
    try {
      return await this.#parts.reload();
    } catch (error) {
      await replaceTextFile(file, before);
      if (error instanceof SettingsError) fail(422, 'breaks-configuration', error.message, { field: 'value' });
      throw error;
    }
  }

  /** Where it is set, that is where it counts: posthaste.cf wins over main.cf. */
  #fileOf(name: string, { settings }: Configuration): string {
    const origin = settings.origin(name);
    const main = join(this.#parts.folder, 'main.cf');
    return origin.kind === 'file' && dirname(origin.file) === dirname(main) ? origin.file : main;
  }

  async #load(): Promise<Configuration> {
    return await loadConfiguration(this.#parts.folder);
  }

  async #facts(): Promise<SettingFacts> {
    return await SettingFacts.read(await this.#load());
  }

  async #alone<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#last.then(work);
    this.#last = done.catch(() => undefined);
    return await done;
  }
}

/** As readers of the file have it (settings/configuration.ts). */
function decoded(latin1: string): string {
  const text = Buffer.from(latin1, 'latin1').toString('utf8');
  return text.includes('\ufffd') ? latin1 : text;
}

function valueOf(name: string, { settings }: Configuration): string | undefined {
  return settings.origin(name).kind === 'file' ? settings.raw(name) : undefined;
}

function checkText(value: string): void {
  if (value.length > maxValueLength) fail(422, 'invalid-field', 'a value is not as long as that', { field: 'value' });
  if (/[\u0000-\u001f\u007f]/.test(value)) {
    fail(422, 'invalid-field', 'a value is one line, without control characters', { field: 'value' });
  }
}

function refuseGuarded(name: string, before: Configuration, after: Configuration): void {
  const reason = nameRefusal(name, before) ?? valueRefusal(name, before, after);
  if (reason === undefined) return;
  fail(403, 'on-the-machine', `${name} is not changed over the network: ${reason}`, {
    mend: `whoever may do so on the machine writes: posthaste postconf -e '${name} = …', then posthaste reload`,
  });
}

function refuseBroken(before: Configuration, after: Configuration): void {
  const isError = ({ severity }: Finding): boolean => severity === 'error';
  const mistake = after.findings.find(isError);
  const field = 'value';
  if (mistake !== undefined) {
    const isOld = before.findings.some(({ text }) => text === mistake.text);
    const place = `${mistake.file}:${mistake.line}: `;
    const text = isOld ? `the configuration has a mistake already, at ${place}${mistake.text}` : mistake.text;
    fail(422, 'breaks-configuration', text, { field });
  }
  try {
    planListeners(after);
  } catch (error) {
    if (error instanceof SettingsError) fail(422, 'breaks-configuration', error.message, { field });
    throw error;
  }
}
