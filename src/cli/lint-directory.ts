// What `lint` has to know of the directory: its domains, its rules, what it reports of itself. It is opened for reading.

import type { AccessRuleInfo } from '../directory/access-rules.ts';
import type { Directory } from '../directory/directory.ts';
import { hasDirectory, openConfiguredDirectory } from '../directory/open-directory.ts';
import { DirectoryOpenError } from '../directory/refusal.ts';
import { tablesInUse } from '../directory/table-parameters.ts';
import { systemClock } from '../lib/clock.ts';
import type { DirectoryRules, LintOptions } from '../lint/context.ts';
import { dataDirectoryOf, loadConfiguration } from '../settings/configuration.ts';
import type { Settings } from '../settings/settings.ts';

/** Undefined for one that the server has to bring up to date first. */
async function openDirectory(settings: Settings, dataDirectory: string): Promise<Directory | undefined> {
  const warn = (): void => undefined;
  try {
    const options = { readonly: true, clock: systemClock, actor: 'lint', warn };
    return await openConfiguredDirectory(settings, dataDirectory, options);
  } catch (error) {
    if (error instanceof DirectoryOpenError) return undefined;
    throw error;
  }
}

/** What the directory holds that lint asks for, where the folder has one. */
export async function readDirectoryForLint(configDirectory: string): Promise<LintOptions> {
  const configuration = await loadConfiguration(configDirectory);
  const { settings } = configuration;
  const dataDirectory = dataDirectoryOf(configuration);
  if (!hasDirectory(settings, dataDirectory)) return {};
  const directory = await openDirectory(settings, dataDirectory);
  if (directory === undefined) return {};
  try {
    const domains = new Map<string, string[]>();
    const splitDomains: string[] = [];
    const inUse = new Set(tablesInUse(directory.lookups));
    let after = '';
    for (;;) {
      const page = await directory.domains.list({ after, limit: 500 });
      for (const { name, class: addressClass, aliasDomains, unknownTo, recipients } of page) {
        if (recipients === 'listed') inUse.add('directory:relay-recipients');
        if (unknownTo !== undefined) splitDomains.push(name);
        add(domains, `directory:${addressClass}-domains`, name);
        for (const alias of aliasDomains) add(domains, 'directory:mailbox-domains', alias);
      }
      const last = page.at(-1);
      if (last === undefined) break;
      after = last.name;
    }
    const directoryHasLists = (await directory.lists.list({ limit: 1 })).length > 0;
    return {
      directoryDomains: domains,
      directoryFindings: await directory.findings(),
      directoryHasLists,
      directorySplitDomains: splitDomains,
      directoryTablesInUse: [...inUse],
      directoryRules: await readRules(directory),
    };
  } finally {
    directory.close();
  }
}

/** All of them: one that is left out might be the one that opens a door. */
async function readRules(directory: Directory): Promise<DirectoryRules> {
  const rules = new Map<string, [string, string][]>();
  for (const stage of ['client', 'helo', 'sender', 'recipient']) rules.set(`directory:${stage}-access`, []);
  let after: AccessRuleInfo | undefined;
  for (;;) {
    const page = await directory.accessRules.list({ ...(after === undefined ? {} : { after }), limit: 1000 });
    for (const { stage, pattern, action } of page) rules.get(`directory:${stage}-access`)?.push([pattern, action]);
    after = page.at(-1);
    if (after === undefined) return rules;
  }
}

function add(domains: Map<string, string[]>, table: string, name: string): void {
  const names = domains.get(table);
  if (names === undefined) domains.set(table, [name]);
  else names.push(name);
}
