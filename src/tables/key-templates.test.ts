// The `%` templates, as mysql_table(5) and ldap_table(5) describe them and Postfix 3.7 expands them.

import { describe, expect, test } from 'vitest';
import { KeyTemplates } from './key-templates.ts';

const bracket = (value: string): string => `<${value}>`;

function expand(query: string, key: string, resultFormat = '%s'): string | undefined {
  const templates = new KeyTemplates('mysql:test');
  const template = templates.parseQuery(query);
  templates.parseResult(resultFormat);
  const expanded = templates.expandQuery(template, key, bracket);
  expect(templates.accepts(key)).toBe(expanded !== undefined);
  return expanded;
}

function format(resultFormat: string, value: string, key = 'user@a.example.com'): string | undefined {
  const templates = new KeyTemplates('mysql:test');
  return templates.expandResult(templates.parseResult(resultFormat), value, key);
}

describe('a query', () => {
  test.each([
    ["k='%s'", 'user@dom', "k='<user@dom>'"],
    ['%S %U %D', 'user@dom', '<user@dom> <user> <dom>'],
    ['100%% %u@%d', 'a@b@dom', '100% <a@b>@<dom>'],
    ['%u', 'user', '<user>'],
    ['%u', '@dom', undefined],
    ['%d', 'user', undefined],
    ['%d', 'user@', undefined],
    ['%d', '@dom', '<dom>'],
    ['%1 %2 %3', 'u@mail.example.com', '<com> <example> <mail>'],
    ['%1 %3', 'u@example.com', undefined],
    ['%2', 'u@a..com', '<a>'],
    ['%2', 'example.com', undefined],
    ['none', 'anything', 'none'],
    ['%s', '', undefined],
  ])('%s for %s', (query, key, expected) => expect(expand(query, key)).toBe(expected));

  test('is not asked where the result format could not be filled', () => {
    expect(expand('%s', '@dom', '%U')).toBeUndefined();
    expect(expand('%s', 'user', '%s@%D')).toBeUndefined();
    expect(expand('%s', 'u@dom', '%2')).toBeUndefined();
    expect(expand('%s', '@dom', '%u@x')).toBe('<@dom>');
  });

  test.each(['%x', '50%', '%0', '% s'])('%s is refused', (text) => {
    expect(() => new KeyTemplates('mysql:test').parseQuery(text)).toThrow('invalid query template');
    expect(() => new KeyTemplates('mysql:test').parseResult(text)).toThrow('invalid result template');
  });
});

describe('a result', () => {
  test.each([
    ['smtp:[%s]', 'host', 'smtp:[host]'],
    ['%u', 'joe@x.test', 'joe'],
    ['%u', 'joe', 'joe'],
    ['%u', '@x.test', undefined],
    ['%d', 'joe@x.test', 'x.test'],
    ['%d', 'joe', undefined],
    ['%S %U %D %1 %2', 'v', 'user@a.example.com user a.example.com com example'],
    ['%s %%', '$1 %s', '$1 %s %'],
    ['%s', '', undefined],
  ])('%s of %s', (template, value, expected) => expect(format(template, value)).toBe(expected));
});
