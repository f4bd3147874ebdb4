// One message: who sent it, what became of each recipient, which other messages belong to it, and every step in its time.

import { Alert, Badge, Box, Button, Card, Group, Stack, Text, Title } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { useCall } from '../api.ts';
import { CopyButton } from '../parts/copy-button.tsx';
import { formatBytes, formatNumber, formatTimeExactly } from '../parts/format.ts';
import { AnchorLink, ButtonLink } from '../parts/links.tsx';
import { MessageStateBadge } from '../parts/message-state.tsx';
import { shownNames } from '../parts/shown-name.ts';
import { Empty, NoAnswer } from '../parts/states.tsx';
import { useSession } from '../session.tsx';
import { Sender, type TracedMessage } from './trace.tsx';
import { Timeline } from './trace-timeline.tsx';

interface MessageDetailProps {
  /** A queue id, or a session in which something was refused. */
  readonly id: string;
  readonly onOpen: (id: string) => void;
}

/** While it is under way its next step may come. */
const refreshMilliseconds = 5000;

export function MessageDetail({ id, onOpen }: MessageDetailProps) {
  const { t } = useTranslation();
  // Sessions have a dash in their names, queue ids have none.
  const input = id.includes('-') ? { session: id } : { text: id, limit: 10 };
  const { data, error, refetch } = useCall('trace.list', input, {
    refetchInterval: ({ state }) => (find(state.data?.items, id)?.isDone === false ? refreshMilliseconds : false),
  });
  if (data === undefined) return <NoAnswer error={error} onRetry={() => void refetch()} />;
  const message = find(data.items, id);
  if (message === undefined) {
    return (
      <Empty title={t('Nothing is known of {{id}}', { id })}>
        <Text size="sm">{t('It is older than the trace, or not yours to see.')}</Text>
      </Empty>
    );
  }
  return <Told message={message} onOpen={onOpen} />;
}

function find(items: readonly TracedMessage[] | undefined, id: string): TracedMessage | undefined {
  return items?.find(({ queueId, session }) => queueId === id || (queueId === null && session === id));
}

function Told({ message, onOpen }: { readonly message: TracedMessage; readonly onOpen: (id: string) => void }) {
  const { t } = useTranslation();
  const { role } = useSession();
  const { queueId, state, subject, recipients, isDone, links, events, refusal } = message;
  return (
    <Stack gap="md">
      <Group justify="space-between" align="flex-start" wrap="nowrap">
        <Title order={2} size="h4" className="wrap-anywhere">
          <bdi>{subject ?? queueId ?? (recipients.length > 0 ? t('Refused mail') : t('Refused connection'))}</bdi>
        </Title>
        <MessageStateBadge state={state} />
      </Group>
      {refusal === undefined ? null : (
        <Alert color="red" variant="light" title={t('Refused with this reply')}>
          <bdi className="wrap-anywhere">{shownNames(refusal)}</bdi>
        </Alert>
      )}
      <Facts message={message} />
      {queueId !== null && !isDone && role === 'host' ? (
        <Group>
          <ButtonLink size="xs" variant="default" to="/queue" search={{ id: queueId }}>
            {t('It is in the queue: show it there')}
          </ButtonLink>
        </Group>
      ) : null}
      {links.length === 0 ? null : <Links links={links} onOpen={onOpen} />}
      {recipients.map((recipient) => (
        <Recipient key={`${recipient.original ?? ''} ${recipient.recipient}`} recipient={recipient} />
      ))}
      {events.length === 0 ? (
        <Alert color="gray" variant="light">
          {t('Every step is shown to administrators of the host: the lines may name other people.')}
        </Alert>
      ) : (
        <Timeline events={events} queueId={queueId} />
      )}
    </Stack>
  );
}

function Facts({ message }: { readonly message: TracedMessage }) {
  const { t } = useTranslation();
  const { queueId, time, sender, client, login, messageId, size } = message;
  const facts: readonly (readonly [string, string | undefined])[] = [
    [t('Came'), formatTimeExactly(time)],
    [t('Client'), client],
    [t('Logged in as'), login],
    [t('Queue id'), queueId ?? undefined],
    [t('Message-ID'), messageId],
    [t('Size'), size === undefined ? undefined : formatBytes(size)],
  ];
  return (
    <Box component="dl" className="differences">
      <Text component="dt" size="sm" c="dimmed">
        {t('From')}
      </Text>
      <Text component="dd" size="sm" className="wrap-anywhere">
        <Sender sender={sender} />{' '}
        {sender === undefined || sender === '' ? null : (
          <AnchorLink size="xs" to="/trace" search={{ text: sender }}>
            {t('all its messages')}
          </AnchorLink>
        )}
      </Text>
      {facts.map(([name, value]) =>
        value === undefined ? null : (
          <Fact key={name} name={name} value={value} isCopied={name === t('Queue id') || name === t('Message-ID')} />
        ),
      )}
    </Box>
  );
}

interface FactProps {
  readonly name: string;
  readonly value: string;
  readonly isCopied: boolean;
}

function Fact({ name, value, isCopied }: FactProps) {
  return (
    <>
      <Text component="dt" size="sm" c="dimmed">
        {name}
      </Text>
      <Text component="dd" size="sm" className={isCopied ? 'mono' : 'wrap-anywhere'}>
        {isCopied ? value : shownNames(value)}{' '}
        {isCopied ? <CopyButton text={value} what={name} size="compact-xs" variant="subtle" /> : null}
      </Text>
    </>
  );
}

interface LinksProps {
  readonly links: TracedMessage['links'];
  readonly onOpen: (id: string) => void;
}

function Links({ links, onOpen }: LinksProps) {
  const { t } = useTranslation();
  const words = {
    notice: t('The notice about it'),
    forward: t('Sent on as'),
    'notice-about': t('It is a notice about'),
    'forward-of': t('It was made of'),
  };
  return (
    <Group gap="xs" component="ul" className="plain-list" aria-label={t('Messages that belong to it')}>
      {links.map(({ kind, queueId }) => (
        <li key={`${kind} ${queueId}`}>
          <Button size="xs" variant="light" onClick={() => onOpen(queueId)}>
            {words[kind]}: {queueId}
          </Button>
        </li>
      ))}
    </Group>
  );
}

function Recipient({ recipient: told }: { readonly recipient: TracedMessage['recipients'][number] }) {
  const { t } = useTranslation();
  const { recipient, original, state, relay, delaySeconds, status, reason, attempts } = told;
  const domain = recipient.slice(recipient.lastIndexOf('@') + 1);
  return (
    <Card withBorder p="sm" aria-label={t('Recipient {{address}}', { address: recipient })} component="section">
      <Group justify="space-between" wrap="nowrap" align="flex-start">
        <Text size="sm" fw={600} className="wrap-anywhere">
          {shownNames(original === undefined ? recipient : `${original} → ${recipient}`)}
        </Text>
        <MessageStateBadge state={state} />
      </Group>
      <Text size="sm" className="wrap-anywhere" mt={4}>
        {status} <bdi>{shownNames(reason)}</bdi>
      </Text>
      <Group gap="sm" mt={4}>
        {relay === undefined || relay === 'none' ? null : (
          <Badge variant="outline" color="gray" tt="none" maw="100%">
            {t('by {{relay}}', { relay })}
          </Badge>
        )}
        {delaySeconds === undefined ? null : (
          <Text size="xs" c="dimmed">
            {t('after {{number}} s', { number: formatNumber(delaySeconds) })}
          </Text>
        )}
        {attempts > 1 ? (
          <Text size="xs" c="dimmed">
            {t('Attempts: {{number}}', { number: formatNumber(attempts) })}
          </Text>
        ) : null}
        <AnchorLink size="xs" to="/explain" search={{ address: original ?? recipient }}>
          {t('Where does its mail go?')}
        </AnchorLink>
        {relay === 'mailstore' && state === 'delivered' ? (
          <AnchorLink
            size="xs"
            to="/domains/$domain"
            params={{ domain }}
            search={{ tab: 'mailboxes', open: recipient }}
          >
            {t('The mailbox')}
          </AnchorLink>
        ) : null}
      </Group>
    </Card>
  );
}
