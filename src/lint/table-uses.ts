// Which tables a configuration names, and where: every `type:name` in the parameters of main.cf and in the overrides of
// master.cf, those inside unionmap: and pipemap: too, and the tables of defaults that matter for hosting.

import type { MasterService } from '../settings/services.ts';
import type { Settings } from '../settings/settings.ts';
import { splitList } from '../lib/split-list.ts';
import type { Place } from './rule.ts';

export interface TableUse {
  readonly parameter: string;
  readonly place: Place;
  /** As written, `proxy:` included. */
  readonly text: string;
  readonly isProxied: boolean;
  readonly type: string;
  /** What follows the type. */
  readonly name: string;
  /** Of unionmap: and pipemap:. */
  readonly members: readonly TableUse[];
  /** The service whose override names it; undefined for main.cf. */
  readonly service: MasterService | undefined;
}

export const indexedTypes: Readonly<Record<string, readonly string[]>> = {
  hash: ['.db'],
  btree: ['.db'],
  lmdb: ['.lmdb'],
  cdb: ['.cdb'],
  dbm: ['.pag', '.dir'],
  sdbm: ['.pag', '.dir'],
};

export const sqlTypes: ReadonlySet<string> = new Set(['mysql', 'pgsql', 'sqlite']);
export const patternTypes: ReadonlySet<string> = new Set(['pcre', 'regexp', 'cidr']);

const otherTypes =
  'texthash inline static ldap unionmap pipemap randmap tcp socketmap memcache nis nisplus environ internal fail directory netinfo';

export const knownTypes: ReadonlySet<string> = new Set([
  ...Object.keys(indexedTypes),
  ...sqlTypes,
  ...patternTypes,
  ...otherTypes.split(' '),
  'unix',
]);

/** Parameters whose `word:word` is no table to be read: caches that Postfix writes, sockets, transports, destinations. */
const noTables =
  /(_cache_(map|database)|^address_verify_map|_transport|_filter|milters|relayhost|_sasl_path|_fallback_relay|_tlsmgr_service_name|authorized_verp_clients)$|^(content_filter|smtpd_proxy_filter|multi_instance_.*|tls_random_source|tls_.*)$/;

/** Defaults that name tables. */
const defaultsThatMatter = ['alias_maps', 'local_recipient_maps'];

export function findTableUses(settings: Settings, services: readonly MasterService[], main: string): TableUse[] {
  const uses: TableUse[] = [];
  for (const name of [...settings.names(), ...defaultsThatMatter.filter((one) => !settings.isSet(one))]) {
    const origin = settings.origin(name);
    const place = origin.kind === 'file' ? { file: origin.file, line: origin.line } : { file: main, line: 0 };
    if (origin.kind !== 'given') uses.push(...usesIn(name, expandedOrEmpty(settings, name), place, undefined));
  }
  for (const service of services) {
    for (const name of Object.keys(service.overrides)) {
      const place = { file: service.file, line: service.line };
      uses.push(...usesIn(name, expandedOrEmpty(service.settings, name), place, service));
    }
  }
  return uses;
}

/** '' where the value cannot be expanded: that is told by the readers of the settings. */
export function expandedOrEmpty(settings: Settings, name: string): string {
  try {
    return settings.expanded(name);
  } catch {
    return '';
  }
}

function usesIn(parameter: string, value: string, place: Place, service: MasterService | undefined): TableUse[] {
  if (noTables.test(parameter) || !value.includes(':')) return [];
  const elements = splitList(value);
  return elements.flatMap((element, index) => {
    // A socket of a policy service is none.
    if (elements[index - 1] === 'check_policy_service') return [];
    const use = tableUse(element.replace(/^!+/, ''), { parameter, place, service });
    return use === undefined ? [] : [use];
  });
}

type Where = Pick<TableUse, 'parameter' | 'place' | 'service'>;

/** Undefined where the text is no `type:name` of a table type. */
export function tableUse(text: string, where: Where): TableUse | undefined {
  let rest = text;
  let isProxied = false;
  while (rest.startsWith('proxy:')) {
    isProxied = true;
    rest = rest.slice('proxy:'.length);
  }
  const match = /^([a-z][a-z0-9]*):(.+)$/s.exec(rest);
  const type = match?.[1];
  const name = match?.[2];
  if (type === undefined || name === undefined) return undefined;
  if (!knownTypes.has(type) && !/_(maps|domains|database)$/.test(where.parameter)) return undefined;
  if (type === 'unix' && !/^(passwd|group)\.byname$/.test(name)) return undefined;
  const members = type === 'unionmap' || type === 'pipemap' ? readMembers(name, where) : [];
  return { ...where, text, isProxied, type, name, members };
}

/** `{a:b, c:d}`. */
function readMembers(name: string, where: Where): TableUse[] {
  const inner = /^\{(.*)\}$/s.exec(name)?.[1] ?? '';
  return splitList(inner).flatMap((one) => {
    const use = tableUse(one.replace(/^\{\s*(.*?)\s*\}$/s, '$1'), where);
    return use === undefined ? [] : [use];
  });
}

/** The use and what it is made of. */
export function* flatten(uses: Iterable<TableUse>): Generator<TableUse> {
  for (const use of uses) {
    yield use;
    yield* flatten(use.members);
  }
}
