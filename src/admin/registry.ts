// All operations. Whatever offers them (HTTP routes, their description, the command line on a remote host, the test of who
// may do what) reads this list.

import { accountOperations } from './operations/account.ts';
import { administratorOperations } from './operations/administrators.ts';
import { aliasDomainOperations } from './operations/alias-domains.ts';
import { aliasOperations } from './operations/aliases.ts';
import { appPasswordOperations } from './operations/app-passwords.ts';
import { defenceOperations } from './operations/defence.ts';
import { desiredStateOperations, planOperations } from './operations/desired-state.ts';
import { domainImportOperations } from './operations/domain-import.ts';
import { domainOperations } from './operations/domains.ts';
import { explainOperations } from './operations/explain.ts';
import { clientSettingsOperations } from './operations/client-settings.ts';
import { historyOperations } from './operations/history.ts';
import { hostNameOperations } from './operations/host-name.ts';
import { listOperations } from './operations/lists.ts';
import { mailboxOperations } from './operations/mailboxes.ts';
import { observationOperations } from './operations/observation.ts';
import { placeOperations } from './operations/places.ts';
import { queueOperations } from './operations/queue.ts';
import { reachesOperations } from './operations/reaches.ts';
import { recentLoginOperations } from './operations/recent-logins.ts';
import { recipientOperations } from './operations/recipients.ts';
import { recoveryOperations } from './operations/recovery.ts';
import { revisionOperations } from './operations/revisions.ts';
import { secondFactorOperations } from './operations/second-factors.ts';
import { senderLoginOperations } from './operations/sender-logins.ts';
import { serverOperations } from './operations/server.ts';
import { settingOperations } from './operations/settings.ts';
import { setupOperations } from './operations/setup.ts';
import { tagOperations } from './operations/tags.ts';
import { testMessageOperations } from './operations/test-message.ts';
import { tokenOperations } from './operations/tokens.ts';
import { traceOperations } from './operations/traces.ts';
import { webhookOperations } from './operations/webhooks.ts';
import type { AnyOperation } from './operation.ts';

const all: readonly AnyOperation[] = [
  ...accountOperations,
  ...setupOperations,
  ...secondFactorOperations,
  ...recoveryOperations,
  ...recentLoginOperations,
  ...reachesOperations,
  ...domainOperations,
  ...domainImportOperations,
  ...aliasDomainOperations,
  ...mailboxOperations,
  ...appPasswordOperations,
  ...aliasOperations,
  ...listOperations,
  ...senderLoginOperations,
  ...placeOperations,
  ...recipientOperations,
  ...administratorOperations,
  ...tagOperations,
  ...tokenOperations,
  ...serverOperations,
  ...settingOperations,
  ...explainOperations,
  ...hostNameOperations,
  ...clientSettingsOperations,
  ...testMessageOperations,
  ...queueOperations,
  ...observationOperations,
  ...defenceOperations,
  ...historyOperations,
  ...traceOperations,
  ...revisionOperations,
  ...desiredStateOperations,
  ...webhookOperations,
];

export const operations: readonly AnyOperation[] = [...all, ...planOperations(all)];

const byName = new Map(operations.map((operation) => [operation.name, operation]));

export function operationNamed(name: string): AnyOperation | undefined {
  return byName.get(name);
}
