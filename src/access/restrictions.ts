// The reader of restriction lists (Postfix SMTPD_ACCESS_README): words become restrictions, with their arguments and
// tables. A word that is none, or none yet, is an error at the start that names the parameter: a restriction that is
// silently ignored would be an open door. What the plain words do stands in plain-checks.ts.

import { naming, type OpenOptions, parentsMatchFor } from '../routing/open-maps.ts';
import { SettingsError } from '../settings/settings-error.ts';
import type { ActionRules } from './access-action.ts';
import { type AccessOptions, checkAccess } from './access-table.ts';
import { DnsLists, listRestrictions } from './dns-lists.ts';
import type { Evaluation, ListKind, Restriction, SubjectKind, Verdict } from './evaluation.ts';
import { plainChecks } from './plain-checks.ts';
import { PolicyService } from './policy-service.ts';
import { readCcertArgument } from './client-certificates.ts';
import { checkServerAccess, type ServerType } from './server-access.ts';

type Check = Restriction['check'];
/** Makes the restriction that `word` and `argument` are, or undefined for a word of another kind. */
type Maker = (name: string, argument: string, parameter: string, outer: ListKind) => Check;

/** Reads the restriction lists of one service's settings. */
export class RestrictionReader {
  readonly #options: OpenOptions;
  readonly #checks: ReadonlyMap<string, Check>;
  readonly #makers: ReadonlyMap<string, Maker>;
  readonly #lists: DnsLists;
  readonly #services = new Map<string, PolicyService>();
  /** By list kind: a table that stands alone in a class means what it means in the list that names the class. */
  readonly #classes = new Map<string, Map<ListKind, readonly Restriction[]>>();

  constructor(options: OpenOptions) {
    this.#options = options;
    this.#checks = new Map(Object.entries(plainChecks(options)));
    this.#lists = new DnsLists(options);
    this.#makers = this.#makeMakers();
    const { settings } = options;
    for (const name of settings.list('smtpd_restriction_classes')) {
      if (settings.restrictionClass(name).length === 0) {
        throw new SettingsError(`restriction class \`${name}' needs a definition`, name, settings.origin(name));
      }
      this.#classes.set(name, new Map());
    }
    // What is wrong in a class that nobody uses is wrong all the same.
    for (const name of this.#classes.keys()) this.#classList(name, 'recipient');
  }

  /** Throws SettingsError. `parameter` is where the words stand, `kind` whose list it is. */
  read(words: readonly string[], parameter: string, kind: ListKind): Restriction[] {
    const list: Restriction[] = [];
    for (let index = 0; index < words.length; index++) {
      const word = words[index] as string;
      if (word.toLowerCase() === 'warn_if_reject') {
        // It warns of its own at the end of a list: nothing follows.
        let length = 1;
        while (words[index + length]?.toLowerCase() === 'warn_if_reject') length++;
        if (this.#takesArgument(words[index + length])) length++;
        list.push(...this.read(words.slice(index + 1, index + 1 + length), parameter, kind).map(warnOnly));
        index += length;
      } else if (this.#takesArgument(word)) {
        list.push(this.#withArgument(word, words[++index], parameter, kind));
      } else list.push(this.#plain(word, parameter, kind));
    }
    return list;
  }

  #takesArgument(word: string | undefined): boolean {
    return word !== undefined && this.#makers.has(word.toLowerCase());
  }

  #plain(word: string, parameter: string, kind: ListKind): Restriction {
    const check = this.#checks.get(word.toLowerCase());
    if (check !== undefined) return { name: word, check };
    if (this.#classes.has(word)) {
      const members = this.#classList(word, kind);
      return { name: word, check: (evaluation) => evaluation.run(members()) };
    }
    const { settings } = this.#options;
    if (/^[a-z]\w*:./i.test(word)) return this.#bareTable(word, parameter, kind);
    throw new SettingsError(`${parameter}: unknown restriction ${word}`, parameter, settings.origin(parameter));
  }

  /** `type:table` alone is check_X_access of whichever list it stands in; at DATA it would be of none. */
  #bareTable(word: string, parameter: string, kind: ListKind): Restriction {
    if (kind === 'data' || kind === 'end-of-data') {
      throw new SettingsError(
        `${parameter}: write check_client_access, check_sender_access or another of them before ${word}`,
        parameter,
        this.#options.settings.origin(parameter),
      );
    }
    const options = this.#accessOptions(word, parameter, kind);
    return { name: word, check: (evaluation) => checkAccess(evaluation, kind, options) };
  }

  #withArgument(word: string, argument: string | undefined, parameter: string, kind: ListKind): Restriction {
    const name = word.toLowerCase();
    const make = this.#makers.get(name) as Maker;
    if (argument === undefined) {
      const origin = this.#options.settings.origin(parameter);
      const what = name.endsWith('_access') ? 'a table' : name === 'sleep' ? 'a number of seconds' : 'an argument';
      throw new SettingsError(`${parameter}: ${name} needs ${what} after it`, parameter, origin);
    }
    return { name: `${name} ${argument}`, check: make(name, argument, parameter, kind) };
  }

  #makeMakers(): Map<string, Maker> {
    const makers = new Map<string, Maker>();
    for (const [name, about] of Object.entries(accessTopics)) {
      makers.set(name, (_name, table, parameter, kind) => {
        const options = this.#accessOptions(table, parameter, kind);
        return (evaluation) => checkAccess(evaluation, about, options);
      });
    }
    makers.set('check_ccert_access', (_name, argument, parameter, kind) => {
      const { table, order } = readCcertArgument(argument, parameter);
      const options = { ...this.#accessOptions(table, parameter, kind), searchOrder: order };
      return (evaluation) => checkAccess(evaluation, 'certificate', options);
    });
    for (const [prefix, about] of serverTopics) {
      for (const type of ['A', 'MX', 'NS'] as const satisfies readonly ServerType[]) {
        makers.set(`${prefix}_${type.toLowerCase()}_access`, (name, table, parameter, kind) => {
          const options = this.#accessOptions(table, parameter, kind);
          return (evaluation) => checkServerAccess(evaluation, name, about, type, options);
        });
      }
    }
    for (const [name, { topic, permits }] of Object.entries(listRestrictions)) {
      makers.set(name, (_name, list, parameter) =>
        permits && (topic === 'address' || topic === 'client')
          ? this.#lists.permitList(topic, list, parameter)
          : this.#lists.blockList(topic, list, parameter),
      );
    }
    makers.set('check_policy_service', (_name, server, parameter, kind) => {
      const service = this.#policyService(server, parameter, kind);
      return (evaluation) => service.check(evaluation);
    });
    makers.set('sleep', (_name, seconds, parameter) => sleepCheck(seconds, parameter));
    return makers;
  }

  #policyService(server: string, parameter: string, kind: ListKind): PolicyService {
    const key = `${kind} ${server}`;
    let service = this.#services.get(key);
    if (service === undefined) {
      service = new PolicyService(server, this.#options.settings, parameter, this.#actionRules(parameter, kind));
      this.#services.set(key, service);
    }
    return service;
  }

  /** The members of a restriction class, read when first asked for: a class may name another, and itself. */
  #classList(name: string, kind: ListKind): () => readonly Restriction[] {
    const kinds = this.#classes.get(name) as Map<ListKind, readonly Restriction[]>;
    if (!kinds.has(kind)) {
      kinds.set(kind, []);
      kinds.set(kind, this.read(this.#options.settings.restrictionClass(name), name, kind));
    }
    return () => kinds.get(kind) ?? [];
  }

  #accessOptions(table: string, parameter: string, kind: ListKind): AccessOptions {
    const { settings, registry } = this.#options;
    if (!table.includes(':')) {
      const text = `${parameter}: bad argument "${table}": need maptype:mapname`;
      throw new SettingsError(text, parameter, settings.origin(parameter));
    }
    return {
      ...this.#actionRules(table, kind),
      source: table,
      table: naming(parameter, settings, () => registry.open(table)),
      parentsMatch: parentsMatchFor(settings, 'smtpd_access_maps'),
      nullSenderKey: settings.text('smtpd_null_access_lookup_key'),
      allowsUntrustedRouting: settings.flag('allow_untrusted_routing'),
      // What domain administrators may come to edit must not open the server, wherever the table stands.
      neverRelays: kind === 'recipient' && /\bdirectory:/.test(table),
    };
  }

  #actionRules(parameter: string, kind: ListKind): Omit<ActionRules, 'source'> {
    const { settings } = this.#options;
    return {
      rejectCode: settings.integer('access_map_reject_code'),
      deferCode: settings.integer('access_map_defer_code'),
      parse: (words) => this.read(words, parameter, kind),
    };
  }
}

const accessTopics: Readonly<Record<string, SubjectKind>> = {
  check_client_access: 'client',
  check_reverse_client_hostname_access: 'reverse-client',
  check_helo_access: 'helo',
  check_sender_access: 'sender',
  check_recipient_access: 'recipient',
  check_etrn_access: 'etrn',
  check_sasl_access: 'sasl-user',
};

const serverTopics: readonly (readonly [string, SubjectKind])[] = [
  ['check_client', 'client'],
  ['check_reverse_client_hostname', 'reverse-client'],
  ['check_helo', 'helo'],
  ['check_sender', 'sender'],
  ['check_recipient', 'recipient'],
];

/** More than the client's own patience is no use. */
const maxSleepSeconds = 600;

function sleepCheck(seconds: string, parameter: string): Check {
  if (!/^\d+$/.test(seconds) || Number(seconds) > maxSleepSeconds) {
    throw new SettingsError(
      `${parameter}: sleep ${seconds}: write a number of seconds up to ${maxSleepSeconds}`,
      parameter,
    );
  }
  return async ({ request }): Promise<Verdict> => {
    if (!request.isQuestionOnly) await new Promise((resolve) => setTimeout(resolve, Number(seconds) * 1000));
    return 'dunno';
  };
}

/** Its refusals become log lines, wherever within it they arise. */
function warnOnly(restriction: Restriction): Restriction {
  const name = `warn_if_reject ${restriction.name}`;
  return {
    name,
    check: async (evaluation: Evaluation) => {
      const outer = evaluation.isWarningOnly;
      evaluation.isWarningOnly = true;
      try {
        return await evaluation.settle(restriction.name, await restriction.check(evaluation));
      } finally {
        evaluation.isWarningOnly = outer;
      }
    },
  };
}
