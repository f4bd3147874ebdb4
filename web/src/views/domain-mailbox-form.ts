// A form about a mailbox, one of many in its panel: what is typed into it, and how that is saved.

import { useTranslation } from 'react-i18next';
import type { Input, Output } from '../api.ts';
import { type Draft, useDraft } from '../parts/form.tsx';
import { type PlannedChange, usePlannedChange } from '../parts/plan-preview.tsx';

export type MailboxInfo = Output<'mailbox.show'>;

export interface MailboxPartProps {
  readonly mailbox: MailboxInfo;
  readonly etag: string | undefined;
}

interface MailboxForm<T> {
  readonly draft: Draft<T>;
  readonly planned: PlannedChange;
  /** Changes it, as far as nobody else has meanwhile. */
  readonly save: (settings: Omit<Input<'mailbox.set'>, 'address'>, isPlain?: boolean) => Promise<boolean>;
}

/** `now`: the form's fields as they are on the server. */
export function useMailboxForm<T extends object>(
  { mailbox: { address }, etag }: MailboxPartProps,
  now: T,
): MailboxForm<T> {
  const { t } = useTranslation();
  const planned = usePlannedChange();
  const draft = useDraft(now, etag);
  const save: MailboxForm<T>['save'] = async (settings, isPlain = false) => {
    const input = { address, ...settings };
    const done = t('{{address}} changed', { address });
    const changed = await planned.run({ operation: 'mailbox.set', input, etag: draft.etag, done, isPlain });
    if (changed !== undefined) draft.drop();
    return changed !== undefined;
  };
  return { draft, planned, save };
}
