// Every step of a message, in its time, with a word on what it is; the log's own line stands below it.

import { Text, Timeline as Steps } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { formatTimeExactly, formatNumber } from '../parts/format.ts';
import { Icon } from '../parts/icon.tsx';
import { Empty } from '../parts/states.tsx';
import { describeStep, type StepKind, stepIcons } from './trace-steps.ts';
import type { TracedMessage } from './trace.tsx';

interface TimelineProps {
  readonly events: TracedMessage['events'];
  readonly queueId: string | null;
}

/** More of one message is read in the log. */
const maxSteps = 500;

export function Timeline({ events, queueId }: TimelineProps) {
  const { t } = useTranslation();
  const words = useStepWords();
  if (events.length === 0) return <Empty title={t('No step is known')} />;
  const told = events.slice(0, maxSteps);
  return (
    <section aria-label={t('Every step')}>
      <Steps bulletSize={26} lineWidth={2} active={told.length}>
        {told.map((event, index) => {
          const own = queueId !== null && event.text.startsWith(`${queueId}: `);
          const text = own ? event.text.slice((queueId?.length ?? 0) + 2) : event.text;
          const step = describeStep(text, event.level);
          const before = told[index - 1]?.time;
          return (
            <Steps.Item
              // oxlint-disable-next-line react/no-array-index-key -- steps are only added at the end
              key={index}
              bullet={<Icon name={stepIcons[step.kind]} size={15} />}
              color={step.color}
              title={words[step.kind]}
            >
              <Text size="xs" c="dimmed">
                {formatTimeExactly(event.time)}
                {before === undefined ? null : ` · +${sinceText(event.time - before)}`} · {event.program}
              </Text>
              <Text size="sm" className="mono log-line">
                <bdi>{text}</bdi>
              </Text>
            </Steps.Item>
          );
        })}
      </Steps>
      {events.length > told.length ? (
        <Text size="sm" mt="sm">
          {t('The first {{shown}} of {{number}} steps are shown: posthaste trace shows all.', {
            shown: formatNumber(told.length),
            number: formatNumber(events.length),
          })}
        </Text>
      ) : null}
    </section>
  );
}

/** Units of the field: the same in every language. */
function sinceText(milliseconds: number): string {
  if (milliseconds < 10_000) return `${formatNumber(Math.max(0, milliseconds))} ms`;
  if (milliseconds < 600_000) return `${formatNumber(Math.round(milliseconds / 1000))} s`;
  if (milliseconds < 7_200_000) return `${formatNumber(Math.round(milliseconds / 60_000))} min`;
  return `${formatNumber(Math.round(milliseconds / 3_600_000))} h`;
}

function useStepWords(): Readonly<Record<StepKind, string>> {
  const { t } = useTranslation();
  return {
    connect: t('A client connects'),
    tls: t('The connection is encrypted'),
    'login-failed': t('A login fails'),
    client: t('The message gets its queue id'),
    messageId: t('Its header has come'),
    subject: t('Its subject'),
    rejected: t('Refused'),
    warned: t('A rule has something to say'),
    filter: t('A filter decides'),
    queued: t('It is in the queue'),
    delivered: t('Delivered'),
    deferred: t('Put off: it is tried again later'),
    bounced: t('It cannot be delivered'),
    notice: t('A notice is sent to the sender'),
    held: t('Held'),
    released: t('Released'),
    requeued: t('Routed again'),
    expired: t('Given up: it goes back to the sender'),
    removed: t('It has left the queue'),
    disconnect: t('The connection ends'),
    lost: t('The connection breaks off'),
    warning: t('Something is wrong'),
    other: t('A step'),
  };
}
