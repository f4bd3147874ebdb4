// A test message, and what becomes of it, step by step, as the server's trace tells it: accepted, routed, in the mailbox.

import { Button, Group, Stack, Text } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { call, useCall } from '../api.ts';
import { CheckMark, type Outcome } from './check-mark.tsx';
import { formatTime } from './format.ts';
import { Icon } from './icon.tsx';
import { AnchorLink } from './links.tsx';
import { Failed } from './states.tsx';
import { useChange } from './use-change.ts';

interface TestMessageProps {
  readonly address: string;
  /** The message that was sent last; undefined: none yet. */
  readonly queueId: string | undefined;
  readonly onSent: (queueId: string) => void;
}

/** What is looked at here of what trace.list tells. */
interface Story {
  readonly recipients: readonly {
    readonly recipient: string;
    readonly state: 'delivered' | 'deferred' | 'bounced' | 'refused';
    readonly relay?: string;
    readonly delaySeconds?: number;
    readonly status: string;
    readonly reason: string;
  }[];
  readonly events: readonly { readonly time: number }[];
}

const pollMilliseconds = 5000;
/** Then it waits for something: the trace goes on telling. */
const patienceMilliseconds = 3 * 60_000;

export function TestMessage({ address, queueId, onSent }: TestMessageProps) {
  const { t } = useTranslation();
  const change = useChange();
  const send = () =>
    void change.run(async () => {
      onSent((await call('message.test', { address })).queueId);
    });
  return (
    <Stack>
      <Group>
        <Button
          leftSection={<Icon name="send" />}
          loading={change.isBusy}
          onClick={send}
          variant={queueId === undefined ? 'filled' : 'default'}
        >
          {queueId === undefined ? t('Send a test message') : t('Send another')}
        </Button>
        <Text size="sm" c="dimmed">
          {t('to {{address}}', { address })}
        </Text>
      </Group>
      {change.problem === undefined ? null : <Failed error={change.problem} />}
      {queueId === undefined ? null : <Arrival queueId={queueId} />}
    </Stack>
  );
}

function Arrival({ queueId }: { readonly queueId: string }) {
  const { t } = useTranslation();
  const query = useCall(
    'trace.list',
    { text: queueId, limit: 1 },
    {
      refetchInterval: ({ state }) => {
        const story = state.data?.items[0] as Story | undefined;
        const began = story?.events[0]?.time ?? state.dataUpdatedAt;
        const isOld = state.dataUpdatedAt - began > patienceMilliseconds;
        return isArrived(story) || isOld ? false : pollMilliseconds;
      },
    },
  );
  if (query.error !== null && query.data === undefined)
    return <Failed error={query.error} onRetry={() => void query.refetch()} />;
  const story = query.data?.items[0] as Story | undefined;
  return (
    <Stack gap="sm">
      <ol className="plain-list check-list" aria-label={t('The way of the message')} aria-live="polite">
        {stepsOf(story, queueId, t).map(({ title, note, outcome }) => (
          <li key={title}>
            <Group wrap="nowrap" align="flex-start" gap="sm">
              <CheckMark outcome={outcome} />
              <Stack gap={2} style={{ minWidth: 0, overflowWrap: 'anywhere' }}>
                <Text size="sm" fw={600}>
                  {title}
                </Text>
                <Text size="sm" c="dimmed">
                  {note}
                </Text>
              </Stack>
            </Group>
          </li>
        ))}
      </ol>
      <Text size="sm">
        <AnchorLink to="/trace" search={{ text: queueId }}>
          {t('All that is known of this message')}
        </AnchorLink>
      </Text>
    </Stack>
  );
}

function isArrived(story: Story | undefined): boolean {
  return (
    story !== undefined && story.recipients.length > 0 && story.recipients.every(({ state }) => state !== 'deferred')
  );
}

interface Step {
  readonly title: string;
  readonly note: string;
  readonly outcome: Outcome;
}

function stepsOf(story: Story | undefined, queueId: string, t: ReturnType<typeof useTranslation>['t']): Step[] {
  const time = story?.events[0]?.time;
  const accepted: Step = {
    title: t('Accepted'),
    note: [t('Queue id {{id}}', { id: queueId }), ...(time === undefined ? [] : [formatTime(time)])].join(', '),
    outcome: story === undefined ? 'unknown' : 'good',
  };
  const recipient = story?.recipients[0];
  if (recipient === undefined) return [accepted, { title: t('On its way'), note: t('Looking…'), outcome: 'unknown' }];
  const routed: Step = {
    title: t('Routed'),
    note: t('{{address}} by {{transport}}', { address: recipient.recipient, transport: recipient.relay ?? '' }),
    outcome: 'good',
  };
  return [accepted, routed, lastStep(recipient, t)];
}

function lastStep(
  { state, status, reason, delaySeconds }: Story['recipients'][number],
  t: ReturnType<typeof useTranslation>['t'],
): Step {
  const note = `${status} ${reason}`;
  if (state === 'delivered') {
    const seconds = t('after {{seconds}} s', { seconds: delaySeconds ?? 0 });
    return { title: t('Delivered to the INBOX'), note: `${note}, ${seconds}`, outcome: 'good' };
  }
  if (state === 'deferred') return { title: t('Deferred: the server tries again'), note, outcome: 'unknown' };
  return { title: t('Not delivered'), note, outcome: 'wrong' };
}
