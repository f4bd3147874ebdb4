// Another address for a mailbox, or its end: with what names it, which is told before.

import { Alert, Button, Divider, Group, List, Stack, Switch, Text, TextInput, Title } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useCall } from '../api.ts';
import { Form } from '../parts/form.tsx';
import { formatTime } from '../parts/format.ts';
import { usePlannedChange } from '../parts/plan-preview.tsx';
import { Failed, NoAnswer } from '../parts/states.tsx';
import { useSession } from '../session.tsx';
import type { MailboxInfo } from './domain-mailbox-form.ts';

interface MailboxEndProps {
  readonly mailbox: MailboxInfo;
  readonly onMove: (address: string | undefined) => void;
}

export function MailboxEnd(props: MailboxEndProps) {
  return (
    <Stack gap="lg">
      <References address={props.mailbox.address} />
      <Divider />
      <Rename {...props} />
      <Divider />
      <Remove {...props} />
    </Stack>
  );
}

function References({ address }: { readonly address: string }) {
  const { t } = useTranslation();
  const { data, error, refetch } = useCall('mailbox.references', { address });
  if (data === undefined) return <NoAnswer error={error} onRetry={() => void refetch()} />;
  const named = Object.values(data).flat();
  return (
    <Stack gap="xs">
      <Title order={3} size="h5">
        {t('What names this address')}
      </Title>
      {named.length === 0 ? (
        <Text size="sm" c="dimmed">
          {t('No alias, list, forward or right to send names it.')}
        </Text>
      ) : (
        <List size="sm">
          {named.slice(0, 50).map((name) => (
            <List.Item key={name} className="mono">
              {name}
            </List.Item>
          ))}
        </List>
      )}
      {named.length > 50 ? <Text size="sm">{t('and {{number}} more', { number: named.length - 50 })}</Text> : null}
    </Stack>
  );
}

function Rename({ mailbox, onMove }: MailboxEndProps) {
  const { t } = useTranslation();
  const planned = usePlannedChange();
  const { role } = useSession();
  const { address } = mailbox;
  const [to, setTo] = useState('');
  const [keepAlias, setKeepAlias] = useState(true);
  const [moveReferences, setMoveReferences] = useState(false);
  const domain = address.slice(address.lastIndexOf('@') + 1);
  const rename = async () => {
    const next = to.includes('@') ? to.trim() : `${to.trim()}@${domain}`;
    const renamed = await planned.run({
      operation: 'mailbox.rename',
      input: { address, to: next, keepAlias, ...(moveReferences ? { moveReferences } : {}) },
      title: t('Rename {{address}}?', { address }),
      confirm: t('Rename'),
      done: t('{{address}} is {{next}} now', { address, next }),
      asksAlways: true,
    });
    if (renamed !== undefined) onMove(renamed.address);
  };
  return (
    <Form onSubmit={rename}>
      <Stack>
        <Title order={3} size="h5">
          {t('Rename')}
        </Title>
        {planned.problem === undefined ? null : <Failed error={planned.problem} />}
        <Text size="sm">
          {t('Its mail, passwords, settings and app passwords move with it; mail programs need the new login.')}
        </Text>
        <TextInput
          label={t('New address')}
          required
          placeholder={`anna@${domain}`}
          value={to}
          onChange={(event) => setTo(event.currentTarget.value)}
        />
        <Switch
          label={t('Mail to the old address still arrives (it becomes an alias)')}
          checked={keepAlias}
          onChange={(event) => setKeepAlias(event.currentTarget.checked)}
        />
        {role === 'host' ? (
          <Switch
            label={t('What names the old address names the new one')}
            checked={moveReferences}
            onChange={(event) => setMoveReferences(event.currentTarget.checked)}
          />
        ) : null}
        <Group justify="flex-end">
          <Button type="submit" variant="default" loading={planned.isBusy} disabled={to.trim() === ''}>
            {t('Rename…')}
          </Button>
        </Group>
        {planned.dialog}
      </Stack>
    </Form>
  );
}

function Remove({ mailbox, onMove }: MailboxEndProps) {
  const { t } = useTranslation();
  const planned = usePlannedChange();
  const { address } = mailbox;
  const remove = async () => {
    const removed = await planned.run({
      operation: 'mailbox.remove',
      input: { address },
      title: t('Remove {{address}}?', { address }),
      confirm: t('Remove'),
      done: t('{{address}} is removed', { address }),
      asksAlways: true,
    });
    if (removed === undefined) return;
    onMove(undefined);
    const message = t('Its mail is kept until {{time}}.', { time: formatTime(removed.recoverableUntil) });
    notifications.show({ message, closeButtonProps: { 'aria-label': t('Close') } });
  };
  return (
    <Stack>
      <Title order={3} size="h5">
        {t('Remove')}
      </Title>
      {planned.problem === undefined ? null : <Failed error={planned.problem} />}
      <Alert color="red" variant="light">
        {t(
          'Mail to it is refused from then on, and nobody can log in. Its mail is kept for some time, and the mailbox can be brought back until then.',
        )}
      </Alert>
      <Group justify="flex-end">
        <Button color="red" variant="light" loading={planned.isBusy} onClick={() => void remove()}>
          {t('Remove…')}
        </Button>
      </Group>
      {planned.dialog}
    </Stack>
  );
}
