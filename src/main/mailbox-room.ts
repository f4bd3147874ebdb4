// Whether a mailbox takes a message: asked by the server at RCPT and by `explain`, so that both answer alike.

import type { QuotaSource } from '../access/quota-source.ts';
import type { Directory } from '../directory/directory.ts';

/** Octets that a mailbox holds. */
export interface Usage {
  usage(mailbox: number): { readonly bytes: number };
}

/** `store` is absent where no mail has been stored yet. */
export function mailboxRoom(
  directory: Pick<Directory, 'mailboxByAddress'> & Partial<Pick<Directory, 'lookups'>>,
  store: Usage | undefined,
): QuotaSource {
  return {
    fresh: (decision) => directory.lookups?.fresh(decision),
    maintenance: (recipient) =>
      directory.lookups?.domain(recipient.slice(recipient.lastIndexOf('@') + 1))?.maintenance ?? '',
    check: (recipient, sizeBytes) => {
      const mailbox = directory.mailboxByAddress(recipient);
      if (mailbox === undefined) return 'ok';
      if (!mailbox.enabled) return 'disabled';
      if (mailbox.maintenance !== '') return { maintenance: mailbox.maintenance };
      if (mailbox.quotaBytes === 0) return 'ok';
      const used = store?.usage(mailbox.id).bytes ?? 0;
      return used >= mailbox.quotaBytes || used + sizeBytes > mailbox.quotaBytes ? 'full' : 'ok';
    },
  };
}
