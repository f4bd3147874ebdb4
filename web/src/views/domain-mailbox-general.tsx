// A mailbox: whose it is, how much it may hold and send, and whether it takes mail now.

import { Button, Group, NumberInput, Stack, Switch, TextInput } from '@mantine/core';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Form } from '../parts/form.tsx';
import { isSize, SizeField, sizeOf, sizeText } from '../parts/size-field.tsx';
import type { MailboxPartProps } from './domain-mailbox-panel.tsx';
import { ObjectTags } from './object-tags.tsx';

export function MailboxGeneral({ mailbox, planned, set }: MailboxPartProps) {
  const { t } = useTranslation();
  const [name, setName] = useState(mailbox.name);
  const [quota, setQuota] = useState(sizeText(mailbox.quotaBytes));
  const [isEnabled, setEnabled] = useState(mailbox.enabled);
  const [maintenance, setMaintenance] = useState(mailbox.maintenance ?? '');
  const [messages, setMessages] = useState(limitText(mailbox.messageLimit));
  const [recipients, setRecipients] = useState(limitText(mailbox.recipientLimit));
  const settings = {
    ...(name === mailbox.name ? {} : { name }),
    ...(quota === sizeText(mailbox.quotaBytes) ? {} : { quotaBytes: sizeOf(quota) }),
    ...(isEnabled === mailbox.enabled ? {} : { enabled: isEnabled }),
    ...(maintenance === (mailbox.maintenance ?? '') ? {} : { maintenance }),
    ...(messages === limitText(mailbox.messageLimit) ? {} : { messageLimit: limitOf(messages) }),
    ...(recipients === limitText(mailbox.recipientLimit) ? {} : { recipientLimit: limitOf(recipients) }),
  };
  return (
    <Form onSubmit={() => set(settings)}>
      <Stack>
        <TextInput
          label={t("The owner's name")}
          maxLength={255}
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
        />
        <SizeField label={t('Quota')} value={quota} onChange={setQuota} />
        <Switch
          label={t('Takes mail and logins')}
          description={t('Off: its mail is refused as for unknown users, and nobody can log in')}
          checked={isEnabled}
          onChange={(event) => setEnabled(event.currentTarget.checked)}
        />
        <TextInput
          label={t('In maintenance')}
          description={t('Why its mail is put off for now; other hosts try again. Empty: it is not')}
          maxLength={200}
          value={maintenance}
          onChange={(event) => setMaintenance(event.currentTarget.value)}
        />
        <Group grow align="flex-start">
          <NumberInput
            label={t('Messages a day')}
            description={t('That it may send; empty: as the settings say')}
            min={0}
            allowDecimal={false}
            value={messages}
            onChange={(value) => setMessages(String(value))}
          />
          <NumberInput
            label={t('Recipients a day')}
            description={t('That it may send to; empty: as the settings say')}
            min={0}
            allowDecimal={false}
            value={recipients}
            onChange={(value) => setRecipients(String(value))}
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
