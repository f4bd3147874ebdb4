// A mailbox: whose it is, how much it may hold and send, and whether it takes mail now.

import { Button, Group, NumberInput, Stack, Switch, TextInput } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { DraftState, Form } from '../parts/form.tsx';
import { isSize, SizeField, sizeOf, sizeText } from '../parts/size-field.tsx';
import { type MailboxPartProps, useMailboxForm } from './domain-mailbox-form.ts';
import { ObjectTags } from './object-tags.tsx';

export function MailboxGeneral(props: MailboxPartProps) {
  const { t } = useTranslation();
  const { mailbox } = props;
  const { draft, planned, save } = useMailboxForm(props, {
    name: mailbox.name,
    quota: sizeText(mailbox.quotaBytes),
    isEnabled: mailbox.enabled,
    maintenance: mailbox.maintenance ?? '',
    messages: limitText(mailbox.messageLimit),
    recipients: limitText(mailbox.recipientLimit),
  });
  const { name, quota, isEnabled, maintenance, messages, recipients } = draft.value;
  const settings = {
    ...(name === mailbox.name ? {} : { name }),
    ...(quota === sizeText(mailbox.quotaBytes) ? {} : { quotaBytes: sizeOf(quota) }),
    ...(isEnabled === mailbox.enabled ? {} : { enabled: isEnabled }),
    ...(maintenance === (mailbox.maintenance ?? '') ? {} : { maintenance }),
    ...(messages === limitText(mailbox.messageLimit) ? {} : { messageLimit: limitOf(messages) }),
    ...(recipients === limitText(mailbox.recipientLimit) ? {} : { recipientLimit: limitOf(recipients) }),
  };
  return (
    <Form onSubmit={() => save(settings)}>
      <Stack>
        <DraftState draft={draft} change={planned} />
        <TextInput
          label={t("The owner's name")}
          maxLength={255}
          value={name}
          onChange={(event) => draft.set({ name: event.currentTarget.value })}
        />
        <SizeField label={t('Quota')} value={quota} onChange={(text) => draft.set({ quota: text })} />
        <Switch
          label={t('Takes mail and logins')}
          description={t('Off: its mail is refused as for unknown users, and nobody can log in')}
          checked={isEnabled}
          onChange={(event) => draft.set({ isEnabled: event.currentTarget.checked })}
        />
        <TextInput
          label={t('In maintenance')}
          description={t('Why its mail is put off for now; other hosts try again. Empty: it is not')}
          maxLength={200}
          value={maintenance}
          onChange={(event) => draft.set({ maintenance: event.currentTarget.value })}
        />
        <Group grow align="flex-start">
          <NumberInput
            label={t('Messages a day')}
            description={t('That it may send; empty: as the settings say')}
            min={0}
            allowDecimal={false}
            value={messages}
            onChange={(value) => draft.set({ messages: String(value) })}
          />
          <NumberInput
            label={t('Recipients a day')}
            description={t('That it may send to; empty: as the settings say')}
            min={0}
            allowDecimal={false}
            value={recipients}
            onChange={(value) => draft.set({ recipients: String(value) })}
          />
        </Group>
        <Group justify="flex-end">
          <Button
            type="submit"
            loading={planned.isBusy}
            disabled={Object.keys(settings).length === 0 || !isSize(quota)}
          >
            {t('Save')}
          </Button>
        </Group>
        <ObjectTags kind="mailbox" name={mailbox.address} />
        {planned.dialog}
      </Stack>
    </Form>
  );
}

function limitText(limit: number | undefined): string {
  return limit === undefined ? '' : String(limit);
}

function limitOf(text: string): number | null {
  return text === '' ? null : Number(text);
}
