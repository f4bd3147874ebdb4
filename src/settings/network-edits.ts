// Decides whether a parameter may be given a value over the network: for the page and the API, on behalf of administrators of
// the host, who are not root on the machine (guards.ts). Besides the parameters that are guarded by name, a value could get
// there by a detour: through a `$name` that a guarded parameter uses, or by naming a table, a file or a socket of which one
// then asks what it holds. So nothing guarded may come out differently, and a value names no file, database or socket that
// the configuration does not use already.

import { splitList } from '../lib/split-list.ts';
import type { Configuration } from './configuration.ts';
import { guardReason, isSecretName } from './guards.ts';
import type { Parameter } from './parameters/declare.ts';
import { findParameter } from './registry.ts';
import type { Settings } from './settings.ts';

/** Why it is changed on the machine only; undefined: it may be changed over the network. */
export function nameRefusal(name: string, { settings }: Pick<Configuration, 'settings'>): string | undefined {
  const parameter = findParameter(name);
  if (parameter?.guard !== undefined) return guardReason(parameter.guard);
  if (parameter !== undefined) return undefined;
  return expandedOrEmpty(settings, 'smtpd_restriction_classes')
    .split(/[\s,]+/)
    .includes(name)
    ? undefined
    : 'it is a name of this configuration: what it means depends on where it is used';
}

/** The same for what the value would bring with it. `after` has the value. */
export function valueRefusal(name: string, before: Configuration, after: Configuration): string | undefined {
  for (const guarded of guardedNames(before)) {
    const was = everywhere(before, guarded);
    if (guarded !== name && was.some((value, at) => value !== everywhere(after, guarded)[at])) {
      return `it would change ${guarded} too, and ${nameRefusal(guarded, before) ?? 'that stays'}`;
    }
  }
  const known = new Set(reachesOf(before));
  const added = reachesOf(after).find((one) => !known.has(one));
  return added === undefined
    ? undefined
    : `${added} is a file, a database or a socket that this configuration does not use yet: through it one could read what is not mail's`;
}

/** Whether its value is never shown: it holds a password, or has one in it through a `$name`. */
export function isSecret(name: string, settings: Settings): boolean {
  return holdsSecret(name, settings, new Set());
}

function holdsSecret(name: string, settings: Settings, asked: Set<string>): boolean {
  if (asked.has(name)) return false;
  asked.add(name);
  const parameter = findParameter(name);
  if (parameter?.isSecret || (parameter === undefined && isSecretName(name))) return true;
  const raw = settings.raw(name) ?? '';
  // A URL with a name and a password in it.
  if (/:\/\/[^/\s:@]+:[^/\s@]+@/.test(raw)) return true;
  return [...raw.matchAll(/\$[({]?([A-Za-z0-9_]+)/g)].some(([, used = '']) => holdsSecret(used, settings, asked));
}

/** Those that are set: the defaults of guarded parameters name only each other, and proxy_read_maps what others name anyway. */
function guardedNames({ settings, services }: Configuration): string[] {
  const named = new Set([...settings.names(), ...services.flatMap(({ overrides }) => Object.keys(overrides))]);
  return [...named].filter((name) => findParameter(name)?.guard !== undefined);
}

/** In main.cf and in each service. */
function everywhere({ settings, services }: Configuration, name: string): string[] {
  return [settings, ...services.map((service) => service.settings)].map((one) => expandedOrEmpty(one, name));
}

/**
 * What reaches beyond main.cf and the directory: tables of every type but directory, static, inline, fail and those made of
 * others, and sockets. Patterns that stand in main.cf themselves (`pcre:{...}`) reach nothing.
 */
const reaching =
  /(?<![A-Za-z0-9_-])(?:(?:hash|btree|dbm|sdbm|lmdb|cdb|texthash|mysql|pgsql|sqlite|ldap|tcp|socketmap|memcache|nis|nisplus|netinfo|environ|unix|inet|inet6|sql|passwd-file|file):[^\s,}]+|(?:pcre|regexp|cidr):(?!\{)[^\s,}]+)/gi;

function reachesOf({ settings, services }: Configuration): string[] {
  const scopes = [
    { settings, names: [...settings.names()] },
    ...services.map((service) => ({ settings: service.settings, names: Object.keys(service.overrides) })),
  ];
  return scopes.flatMap((scope) =>
    scope.names
      // A table of passwords is not to be asked by another parameter.
      .filter((name) => findParameter(name)?.isSecret !== true)
      .flatMap((name) => reachesIn(name, expandedOrEmpty(scope.settings, name), findParameter(name))),
  );
}

function reachesIn(name: string, value: string, parameter: Parameter | undefined): string[] {
  const named = [...value.matchAll(reaching)].map(([text]) => text);
  // milter(4)'s other word for unix.
  if (name.includes('milter')) named.push(...[...value.matchAll(/\blocal:[^\s,}]+/gi)].map(([text]) => text));
  if (parameter?.kind !== 'list') return named;
  // In many lists /path stands for what the file holds (postconf(5)).
  const paths = splitList(value).filter((element) => /^!?\//.test(element));
  return [...named, ...paths];
}

function expandedOrEmpty(settings: Settings, name: string): string {
  try {
    return settings.expanded(name);
  } catch {
    return '';
  }
}
