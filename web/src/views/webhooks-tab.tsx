// Webhooks: programs elsewhere that are told of changes and deliveries. Whether they hear, since when not, and why.

import { Alert, Badge, Button, Card, Group, Stack, TagsInput, Text, TextInput } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { call, type Output, useCall } from '../api.ts';
import { useAsk } from '../parts/ask.tsx';
import { Dialog } from '../parts/dialog.tsx';
import { Form, FormEnd } from '../parts/form.tsx';
import { formatAge, formatTime } from '../parts/format.ts';
import { Icon } from '../parts/icon.tsx';
import { SecretOnce } from '../parts/secret-once.tsx';
import { Empty, Failed, NoAnswer } from '../parts/states.tsx';
import { useChange } from '../parts/use-change.ts';
import { useSession } from '../session.tsx';

type Webhook = Output<'webhook.show'>;

export function WebhooksTab() {
  const { t } = useTranslation();
  const [isAdding, { open, close }] = useDisclosure();
  const { data, error, refetch } = useCall('webhook.list', {}, { refetchInterval: 10_000 });
  if (data === undefined) return <NoAnswer error={error} onRetry={() => void refetch()} />;
  return (
    <Stack>
      <Group justify="space-between">
        <Text size="sm" c="dimmed" maw={640}>
          {t('Each event is sent as signed JSON, and again until it arrives, for three days.')}
        </Text>
        <Button leftSection={<Icon name="add" />} onClick={open}>
          {t('Add a webhook')}
        </Button>
      </Group>
      {data.items.length === 0 ? (
        <Empty title={t('Nobody is told of anything yet')}>
          <Text size="sm" c="dimmed" ta="center">
            {t('A webhook tells your billing, your monitoring or a chat what is changed, delivered or bounced.')}
          </Text>
        </Empty>
      ) : (
        data.items.map((webhook) => <WebhookCard key={`${webhook.owner ?? ''} ${webhook.name}`} webhook={webhook} />)
      )}
      <AddWebhook isOpen={isAdding} onClose={close} />
    </Stack>
  );
}

function WebhookCard({ webhook }: { readonly webhook: Webhook }) {
  const { t } = useTranslation();
  const { name, owner, url, events, active, note, failingSince, nextAttempt } = webhook;
  const { login } = useSession();
  const which = { name, ...(owner === undefined ? {} : { owner }) };
  const change = useChange();
  const ask = useAsk();
  const [tested, setTested] = useState<Output<'webhook.test'>>();
  const remove = () =>
    ask(
      {
        title: t('Remove the webhook {{name}}?', { name }),
        text: t('What waits for it is not sent any more.'),
        confirm: t('Remove'),
      },
      () => void change.run(() => call('webhook.remove', which), t('Removed')),
    );
  const test = () => change.run(async () => setTested(await call('webhook.test', which)));
  const switchTo = (isOn: boolean) =>
    change.run(() => call('webhook.set', { ...which, active: isOn }), isOn ? t('Switched on') : t('Switched off'));
  return (
    <Card withBorder component="section" aria-label={name}>
      <Stack gap="xs">
        <Group justify="space-between" align="flex-start">
          <Group gap="xs">
            <Text fw={600}>{name}</Text>
            <WebhookState webhook={webhook} />
          </Group>
          <Group gap="xs">
            <Button size="xs" variant="default" loading={change.isBusy} onClick={() => void test()}>
              {t('Send a test')}
            </Button>
            <Button size="xs" variant="default" onClick={() => void switchTo(!active)}>
              {active ? t('Switch off') : t('Switch on again')}
            </Button>
            <Button size="xs" variant="light" color="red" onClick={remove}>
              {t('Remove')}
            </Button>
          </Group>
        </Group>
        <Text size="sm" className="mono">
          {url}
        </Text>
        {owner === undefined || owner === login ? null : (
          <Text size="sm" c="dimmed">
            {t('Of {{owner}}', { owner })}
          </Text>
        )}
        <Text size="sm" c="dimmed">
          {events.length === 0 ? t('Told of everything') : t('Told of {{events}}', { events: events.join(', ') })}
        </Text>
        {failingSince === undefined ? null : (
          <Text size="sm">
            {t('Nothing has arrived since {{time}}', { time: formatTime(failingSince) })}
            {note === '' ? '' : `: ${note}`}
            {nextAttempt === undefined || !active
              ? ''
              : ` – ${t('next attempt {{age}}', { age: formatAge(nextAttempt) })}`}
          </Text>
        )}
        {failingSince === undefined && note !== '' ? <Text size="sm">{note}</Text> : null}
        {change.problem === undefined ? null : <Failed error={change.problem} />}
        {tested === undefined ? null : (
          <Alert color={tested.arrived ? 'green' : 'orange'} variant="light" role="status">
            {tested.arrived
              ? t('The test has arrived.')
              : t('The test has not arrived: {{why}}', { why: tested.problem ?? '' })}
          </Alert>
        )}
      </Stack>
    </Card>
  );
}

function WebhookState({ webhook: { active, failingSince } }: { readonly webhook: Webhook }) {
  const { t } = useTranslation();
  const [word, color] = active
    ? failingSince === undefined
      ? ([t('hears'), 'green'] as const)
      : ([t('does not answer'), 'orange'] as const)
    : ([t('off'), 'red'] as const);
  return (
    <Badge color={color} variant="light" tt="none">
      {word}
    </Badge>
  );
}

function AddWebhook({ isOpen, onClose }: { readonly isOpen: boolean; readonly onClose: () => void }) {
  const { t } = useTranslation();
  const [made, setMade] = useState<Output<'webhook.add'>>();
  const end = () => {
    onClose();
    setMade(undefined);
  };
  return (
    <Dialog opened={isOpen} onClose={end} title={t('Add a webhook')}>
      {made === undefined ? (
        <AddWebhookForm onMade={setMade} onCancel={end} />
      ) : (
        <SecretOnce
          title={t('{{name}} is told from now on', { name: made.name })}
          text={t('The secret that signs what is sent (Posthaste-Signature). Nobody can see it again:')}
          secret={made.secret}
          onClose={end}
        />
      )}
    </Dialog>
  );
}

interface AddWebhookFormProps {
  readonly onMade: (made: Output<'webhook.add'>) => void;
  readonly onCancel: () => void;
}

function AddWebhookForm({ onMade, onCancel }: AddWebhookFormProps) {
  const { t } = useTranslation();
  const change = useChange();
  const [name, setName] = useState('');
  const [url, setUrl] = useState('');
  const [events, setEvents] = useState<string[]>([]);
  const { problem } = change;
  const add = () =>
    change.run(async () => onMade(await call('webhook.add', { name: name.trim(), url: url.trim(), events })));
  return (
    <Form onSubmit={add}>
      <Stack>
        {problem === undefined || problem.field === 'url' ? null : <Failed error={problem} />}
        <TextInput
          label={t('What it is for')}
          required
          data-autofocus
          maxLength={64}
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
        />
        <TextInput
          label={t('Address')}
          placeholder="https://example.com/hook"
          required
          type="url"
          value={url}
          error={problem?.field === 'url' ? problem.text : undefined}
          onChange={(event) => setUrl(event.currentTarget.value)}
        />
        <TagsInput
          label={t('Events')}
          description={t('As mailbox.*, delivery.bounced; empty: all')}
          data={['delivery.*', 'delivery.bounced', 'delivery.deferred', 'mailbox.*', 'alias.*', 'domain.*', 'list.*']}
          value={events}
          onChange={setEvents}
          clearable
          clearButtonProps={{ 'aria-label': t('None') }}
        />
        <FormEnd onCancel={onCancel} isBusy={change.isBusy} label={t('Add')} />
      </Stack>
    </Form>
  );
}
