// The kinds of objects that a desired state has, in the order in which they are made: what others depend on first. They
// are taken away in the other order.

import { aliasDomainKind } from './kinds/alias-domain.ts';
import { aliasKind } from './kinds/alias.ts';
import { domainKind } from './kinds/domain.ts';
import { listKind } from './kinds/list.ts';
import { mailboxKind } from './kinds/mailbox.ts';
import { senderLoginKind } from './kinds/sender-login.ts';
import { settingKind } from './kinds/setting.ts';
import type { DesiredKind } from './kind.ts';

export const desiredKinds: readonly DesiredKind[] = [
  domainKind,
  mailboxKind,
  aliasKind,
  listKind,
  aliasDomainKind,
  senderLoginKind,
  settingKind,
];
