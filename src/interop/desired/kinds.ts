// The kinds of objects that a desired state has, in the order in which they are made: what others depend on first. They
// are taken away in the other order.

import { aliasDomainKind } from './kinds/alias-domain.ts';
import { aliasKind } from './kinds/alias.ts';
import { domainKind } from './kinds/domain.ts';
import { accessKind } from './kinds/access.ts';
import { bccKind } from './kinds/bcc.ts';
import { caughtKind } from './kinds/caught-address.ts';
import { listKind } from './kinds/list.ts';
import { mailboxKind } from './kinds/mailbox.ts';
import { senderLoginKind } from './kinds/sender-login.ts';
import { relayRecipientKind } from './kinds/relay-recipient.ts';
import { settingKind } from './kinds/setting.ts';
import { tagKind } from './kinds/tag.ts';
import { transportKind } from './kinds/transport.ts';
import type { DesiredKind } from './kind.ts';

export const desiredKinds: readonly DesiredKind[] = [
  domainKind,
  mailboxKind,
  aliasKind,
  listKind,
  relayRecipientKind,
  caughtKind,
  aliasDomainKind,
  senderLoginKind,
  transportKind,
  bccKind,
  accessKind,
  tagKind,
  settingKind,
];
