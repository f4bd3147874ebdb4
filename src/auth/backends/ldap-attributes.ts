// pass_attrs and user_attrs of dovecot-ldap.conf.ext: which attributes of an entry become which fields. `uid=user` renames;
// `=home=/mail/%{ldap:uid}` is a template; `mailboxPath=home=/mail/%{ldap:mailboxPath}` is one that counts only where the
// entry has the attribute; `!path` is asked for and nothing else. `@name=%{ldap:dn}` and `%{ldap_ptr:...}` are refused.

import { SettingsError } from '../../settings/settings-error.ts';
import type { LdapEntry } from '../../tables/ldap/ldap-messages.ts';
import { expandTemplate, parseTemplate, type VariableTemplate, type VariableValues } from './variables.ts';

interface Mapping {
  /** Lower case; '' where the field does not depend on one. */
  readonly attribute: string;
  readonly field: string;
  /** Undefined: the attribute's value. */
  readonly template: VariableTemplate | undefined;
}

export class LdapAttributes {
  readonly #mappings: readonly Mapping[];
  /** To be asked for; empty: all. */
  readonly wanted: readonly string[];

  /** Throws SettingsError. */
  constructor(text: string, where: string) {
    const words = text
      .split(/,(?![^{]*\})/)
      .map((word) => word.trim())
      .filter((word) => word !== '');
    const asked = new Set<string>();
    this.#mappings = words.flatMap((word) => {
      if (word.startsWith('!')) asked.add(word.slice(1));
      return word.startsWith('!') ? [] : [readMapping(word, where)];
    });
    for (const { attribute, template } of this.#mappings) {
      if (attribute !== '') asked.add(attribute);
      for (const { name } of template?.placeholders ?? []) if (name.startsWith('ldap:')) asked.add(name.slice(5));
    }
    this.wanted = [...asked];
  }

  /** Of several values of an attribute the first counts. */
  fields(entry: LdapEntry, values: VariableValues): (readonly [string, string])[] {
    const valueOf = (attribute: string): string | undefined =>
      entry.attributes.find(({ name }) => name.toLowerCase() === attribute.toLowerCase())?.values[0];
    if (this.#mappings.length === 0)
      return entry.attributes.map(({ name, values: [value = ''] }) => [name, value] as const);
    return this.#mappings.flatMap(({ attribute, field, template }) => {
      const value = attribute === '' ? '' : valueOf(attribute);
      if (value === undefined) return [];
      if (template === undefined) return [[field, value] as const];
      const known: VariableValues = (name) => (name.startsWith('ldap:') ? valueOf(name.slice(5)) : values(name));
      return [[field, expandTemplate(template, known)] as const];
    });
  }
}

function readMapping(word: string, where: string): Mapping {
  if (word.startsWith('@') || word.includes('ldap_ptr:')) {
    throw new SettingsError(`${where}: ${word}: values that point at other entries are not supported`);
  }
  const [attribute = '', field = '', ...rest] = word.split('=');
  if (field === '' && attribute !== '' && !word.includes('='))
    return { attribute, field: attribute, template: undefined };
  if (field === '') throw new SettingsError(`${where}: ${word}: must be attribute=field or =field=template`);
  const text = rest.join('=');
  // `%$` is the attribute's own value, as older files have it.
  const template = text.replaceAll('%$', `%{ldap:${attribute}}`);
  if (rest.length === 0) {
    if (attribute === '') throw new SettingsError(`${where}: ${word}: must be =field=template`);
    return { attribute, field, template: undefined };
  }
  return { attribute, field, template: parseTemplate(template, where) };
}
