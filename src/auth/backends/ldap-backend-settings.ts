// dovecot-ldap.conf.ext: which servers, how they are reached, what is asked. Checked when it is read; a mistake stops the
// start. What the ldap: tables have under another name is read by them, so that both mean the same.

import type { ProgramLog } from '../../lib/log.ts';
import { SettingsError } from '../../settings/settings-error.ts';
import { LdapBinder } from '../../tables/ldap/ldap-binder.ts';
import { LdapServers } from '../../tables/ldap/ldap-servers.ts';
import { readLdapSettings } from '../../tables/ldap/ldap-settings.ts';
import { TableError } from '../../tables/table-error.ts';
import { TableSettings } from '../../tables/table-settings.ts';
import { type ConfigFile, readConfigFile } from './config-file.ts';
import { LdapAttributes } from './ldap-attributes.ts';
import { LdapBackend } from './ldap-backend.ts';
import type { VerifyStored } from './pass-fields.ts';
import { parseTemplate } from './variables.ts';

const known = new Set(
  (
    'hosts uris dn dnpass base scope deref ldap_version blocking debug_level tls tls_ca_cert_file ' +
    'tls_ca_cert_dir tls_cipher_suite tls_cert_file tls_key_file tls_require_cert sasl_bind sasl_mech ' +
    'sasl_realm sasl_authz_id ldaprc_path auth_bind auth_bind_userdn default_pass_scheme pass_attrs ' +
    'pass_filter user_attrs user_filter iterate_attrs iterate_filter userdb_warning_disable'
  ).split(' '),
);

/** Dovecot's own defaults. */
const presets = {
  pass_attrs: 'uid=user,userPassword=password',
  pass_filter: '(&(objectClass=posixAccount)(uid=%u))',
  user_attrs: 'homeDirectory=home,uidNumber=uid,gidNumber=gid',
  user_filter: '(&(objectClass=posixAccount)(uid=%u))',
  iterate_attrs: 'uid=user',
  iterate_filter: '(objectClass=posixAccount)',
};

/** Throws SettingsError. */
export function openLdapBackend(path: string, log: ProgramLog, verify: VerifyStored): LdapBackend {
  const file = readConfigFile(path, known);
  if (file.flag('sasl_bind', false)) throw new SettingsError(`${path}: sasl_bind is not supported; use dn and dnpass`);
  if (file.text('ldaprc_path') !== '') throw new SettingsError(`${path}: ldaprc_path is not supported`);
  const name = `ldap:${path}`;
  const settings = readSettings(file, name, log);
  const template = (parameter: string, preset = '') =>
    parseTemplate(file.text(parameter) || preset, `${path}: ${parameter}`);
  const search = (kind: 'pass' | 'user' | 'iterate') => ({
    filter: template(`${kind}_filter`, presets[`${kind}_filter`]),
    attributes: new LdapAttributes(file.text(`${kind}_attrs`) || presets[`${kind}_attrs`], `${path}: ${kind}_attrs`),
  });
  return new LdapBackend({
    name,
    servers: new LdapServers(name, settings, log),
    binder: file.flag('auth_bind', false) ? new LdapBinder(settings.servers, settings.connection) : undefined,
    userDn: file.text('auth_bind_userdn') === '' ? undefined : template('auth_bind_userdn'),
    base: template('base'),
    scope: settings.scope,
    pass: search('pass'),
    user: search('user'),
    iterate: search('iterate'),
    knowsUsers: file.text('user_filter') !== '',
    defaultScheme: file.text('default_pass_scheme') || 'CRYPT',
    verify,
  });
}

function readSettings(file: ConfigFile, name: string, log: ProgramLog) {
  const values: Record<string, string | undefined> = {
    server_host: file.text('uris') || file.text('hosts') || undefined,
    bind: file.text('dn') === '' ? 'no' : 'yes',
    bind_dn: file.text('dn'),
    bind_pw: file.text('dnpass'),
    start_tls: file.flag('tls', false) ? 'yes' : 'no',
    tls_ca_cert_file: file.text('tls_ca_cert_file'),
    tls_ca_cert_dir: file.text('tls_ca_cert_dir'),
    tls_cipher_suite: file.text('tls_cipher_suite'),
    tls_cert: file.text('tls_cert_file'),
    tls_key: file.text('tls_key_file'),
    tls_require_cert: requiresCertificate(file) ? 'yes' : 'no',
    scope: oneOf(file, 'scope', { subtree: 'sub', onelevel: 'one', base: 'base' }, 'subtree'),
    dereference: oneOf(file, 'deref', { never: '0', searching: '1', finding: '2', always: '3' }, 'never'),
  };
  if (values['server_host'] === undefined) throw new SettingsError(`${file.path}: neither hosts nor uris is set`);
  try {
    return readLdapSettings(new TableSettings(name, (parameter) => values[parameter] || undefined), log);
  } catch (error) {
    if (error instanceof TableError) throw new SettingsError(error.message);
    throw error;
  }
}

/** libldap's own default is `demand`. */
function requiresCertificate(file: ConfigFile): boolean {
  const words = { never: 'no', allow: 'no', try: 'yes', hard: 'yes', demand: 'yes' };
  return oneOf(file, 'tls_require_cert', words, 'demand') === 'yes';
}

function oneOf<T extends string>(
  file: ConfigFile,
  name: string,
  words: Readonly<Record<string, T>>,
  preset: string,
): T {
  const text = file.text(name).toLowerCase() || preset;
  const meant = words[text];
  if (meant === undefined) {
    throw new SettingsError(`${file.path}: ${name} = ${text}: must be one of ${Object.keys(words).join(', ')}`);
  }
  return meant;
}
