// One queued message: whose it is, for whom, why it waits, its header. Its body is nobody's business here; its size is told.

import { Badge, Button, Code, Drawer, Group, ScrollArea, Stack, Table, Text } from '@mantine/core';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { type Output, useCall } from '../api.ts';
import { formatAge, formatBytes, formatNumber, formatTime } from '../parts/format.ts';
import { ButtonLink } from '../parts/links.tsx';
import { shownNames } from '../parts/shown-name.ts';
import { Failed, Loading, NoAnswer } from '../parts/states.tsx';
import { ActDialog, ActMenu, type QueueAct } from './queue-acts.tsx';
import { type QueueState, useStateWords } from './queue-filters.tsx';

type Message = Output<'queue.show'>;

const stateColors: Readonly<Record<QueueState, string>> = {
  incoming: 'gray',
  active: 'blue',
  deferred: 'orange',
  hold: 'grape',
};

export function StateBadge({ state }: { readonly state: QueueState }) {
  const words = useStateWords();
  return (
    <Badge color={stateColors[state]} variant="light" tt="none">
      {words[state]}
    </Badge>
  );
}

interface QueueMessageProps {
  readonly id: string | undefined;
  readonly onClose: () => void;
}

export function QueueMessage({ id, onClose }: QueueMessageProps) {
  const { t } = useTranslation();
  return (
    <Drawer
      opened={id !== undefined}
      onClose={onClose}
      position="right"
      size="lg"
      title={<span className="mono">{id}</span>}
      closeButtonProps={{ 'aria-label': t('Close') }}
    >
      {id === undefined ? null : <MessageBody id={id} onClose={onClose} />}
    </Drawer>
  );
}

function MessageBody({ id, onClose }: { readonly id: string; readonly onClose: () => void }) {
  const { t } = useTranslation();
  const [act, setAct] = useState<QueueAct>();
  const { data, error, refetch } = useCall('queue.show', { id }, { retry: false });
  if (error !== null && error.status === 404) {
    return (
      <Stack align="flex-start">
        <Text role="status">{t('This message has left the queue.')}</Text>
        <ButtonLink to="/trace" search={{ text: id, id }} variant="light">
          {t('See what became of it')}
        </ButtonLink>
      </Stack>
    );
  }
  if (data === undefined) return <NoAnswer error={error} onRetry={() => void refetch()} />;
  return (
    <Stack>
      <Group justify="space-between">
        <Group gap="xs">
          <StateBadge state={data.state} />
          {data.isExpired ? (
            <Badge color="red" variant="light" tt="none">
              {t('goes back to the sender')}
            </Badge>
          ) : null}
        </Group>
        <Group gap="xs">
          <ButtonLink to="/trace" search={{ text: id, id }} variant="default">
            {t('Trace')}
          </ButtonLink>
          <ActMenu label={t('Act')} isPrimary onChoose={setAct} />
        </Group>
      </Group>
      <Facts message={data} />
      <Recipients message={data} />
      <Header id={id} />
      <ActDialog
        act={act}
        chosen={{ ids: [id] }}
        onClose={(isDone) => {
          if (isDone && act === 'remove') onClose();
          setAct(undefined);
        }}
      />
    </Stack>
  );
}

function Facts({ message }: { readonly message: Message }) {
  const { t } = useTranslation();
  const { sender, size, arrival, attempts, nextAttempt } = message;
  const facts: readonly (readonly [string, string])[] = [
    [t('Sender'), sender === '' ? t('<> (a report of a mail server)') : shownNames(sender)],
    [t('Arrived'), `${formatTime(arrival)} (${formatAge(arrival)})`],
    [t('Size'), t('{{size}}; the text of the mail is not shown', { size: formatBytes(size) })],
    [t('Attempts'), formatNumber(attempts)],
    [
      t('Next attempt'),
      nextAttempt === undefined ? t('none') : `${formatTime(nextAttempt)} (${formatAge(nextAttempt)})`,
    ],
  ];
  return (
    <Table aria-label={t('Message')} variant="vertical" layout="fixed">
      <Table.Tbody>
        {facts.map(([name, value]) => (
          <Table.Tr key={name}>
            <Table.Th w={130}>{name}</Table.Th>
            <Table.Td style={{ overflowWrap: 'anywhere' }}>{value}</Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  );
}

const shownRecipients = 100;

function Recipients({ message: { recipients, recipientCount } }: { readonly message: Message }) {
  const { t } = useTranslation();
  return (
    <Stack gap="xs">
      <Text fw={600}>{t('Recipients: {{number}}', { number: formatNumber(recipientCount) })}</Text>
      {recipients.slice(0, shownRecipients).map(({ recipient, original, transport, nexthop, status, reason }) => (
        <Stack key={`${recipient} ${original} ${nexthop}`} gap={0} className="queue-recipient">
          <Text className="mono" fz="sm" fw={600}>
            {shownNames(recipient)}
          </Text>
          {original === '' || original === recipient ? null : (
            <Text size="sm" c="dimmed" className="mono">
              {t('for {{address}}', { address: original })}
            </Text>
          )}
          <Text size="sm" c="dimmed" className="mono">
            {t('by {{service}}', { service: nexthop === '' ? transport : `${transport}:${nexthop}` })}
          </Text>
          <Text size="sm" style={{ overflowWrap: 'anywhere' }}>
            {reason === '' ? t('not tried yet') : `${status} ${shownNames(reason)}`}
          </Text>
        </Stack>
      ))}
      {recipients.length > shownRecipients ? (
        <Text size="sm" c="dimmed">
          {t('and {{number}} more', { number: formatNumber(recipients.length - shownRecipients) })}
        </Text>
      ) : null}
    </Stack>
  );
}

/** Fetched when somebody wants to see it. */
function Header({ id }: { readonly id: string }) {
  const { t } = useTranslation();
  const [isShown, setShown] = useState(false);
  const { data, error, isPending } = useCall('queue.header', { id }, { enabled: isShown, staleTime: Infinity });
  return (
    <Stack gap="xs" align="flex-start">
      <Button variant="default" size="xs" aria-expanded={isShown} onClick={() => setShown(!isShown)}>
        {isShown ? t('Hide the header') : t('Show the header')}
      </Button>
      {!isShown ? null : isPending ? (
        <Loading />
      ) : error !== null ? (
        <Failed error={error} />
      ) : (
        <ScrollArea.Autosize
          mah={420}
          w="100%"
          viewportProps={{ tabIndex: 0, role: 'region', 'aria-label': t('Header') }}
        >
          <Code block fz={12}>
            {data.text}
          </Code>
          {data.isCut ? <Text size="sm">{t('There is more than is shown.')}</Text> : null}
        </ScrollArea.Autosize>
      )}
    </Stack>
  );
}
