// Whether all is well, in one line; and what is not, each with where it is mended.

import { Alert, Card, Group, SimpleGrid, Stack, Text, ThemeIcon } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { type Output, useCall } from '../api.ts';
import { formatAge, formatBytes, formatNumber, formatTime } from '../parts/format.ts';
import { Icon, type IconName } from '../parts/icon.tsx';
import { NoAnswer } from '../parts/states.tsx';

type Check = Output<'health.show'>['checks'][number];

const looks: Readonly<Record<Check['state'], { readonly icon: IconName; readonly color: string }>> = {
  good: { icon: 'done', color: 'green' },
  warning: { icon: 'warning', color: 'orange' },
  bad: { icon: 'warning', color: 'red' },
  unknown: { icon: 'unknown', color: 'gray' },
};

export function OverviewHealth() {
  const { t } = useTranslation();
  const { data, error, refetch } = useCall('health.show', {}, { refetchInterval: 30_000 });
  if (data === undefined) return <NoAnswer error={error} onRetry={() => void refetch()} />;
  const { checks, faults } = data;
  const bad = checks.filter(({ state }) => state === 'bad');
  const worth = checks.filter(({ state }) => state === 'warning');
  const unsure = checks.filter(({ state }) => state === 'unknown');
  const worst = bad.length > 0 ? 'bad' : worth.length > 0 ? 'warning' : unsure.length > 0 ? 'unknown' : 'good';
  const { icon, color } = looks[worst];
  const title = {
    good: t('All is well'),
    unknown: t('All is well as far as can be told: {{number}} could not be found out', { number: unsure.length }),
    warning: t('Worth a look: {{number}}', { number: worth.length }),
    bad: t('Not well: {{number}}', { number: bad.length }),
  }[worst];
  return (
    <Stack gap="sm">
      <Alert variant="light" color={color} icon={<Icon name={icon} />} title={title} role="status" />
      <SimpleGrid cols={{ base: 1, xs: 2, md: 3, lg: 5 }} spacing="xs">
        {checks.map((check) => (
          <CheckCard key={check.check} check={check} />
        ))}
      </SimpleGrid>
      {faults.length === 0 ? null : (
        <details>
          <summary>{t('The last errors of the log: {{number}}', { number: faults.length })}</summary>
          <Stack gap={4} mt="xs">
            {faults.toReversed().map(({ time, program, text }) => (
              <Text key={`${time} ${text}`} size="sm" className="mono">
                {formatTime(time)} {program}: {text}
              </Text>
            ))}
          </Stack>
        </details>
      )}
    </Stack>
  );
}

function CheckCard({ check }: { readonly check: Check }) {
  const words = useCheckWords(check);
  const stateWords = useStateWords();
  const { icon, color } = looks[check.state];
  const place = places[check.check];
  const body = (
    <Group gap="sm" wrap="nowrap" align="flex-start">
      <ThemeIcon variant="light" color={color} size={28} radius="xl" aria-hidden>
        <Icon name={icon} size={16} />
      </ThemeIcon>
      <div style={{ minWidth: 0 }}>
        <Text size="sm" fw={600}>
          {words.title}
          <span className="visually-hidden">: {stateWords[check.state]}</span>
        </Text>
        <Text size="sm" c="dimmed" style={{ overflowWrap: 'anywhere' }}>
          {words.text}
        </Text>
      </div>
    </Group>
  );
  if (place === undefined) {
    return (
      <Card withBorder padding="xs">
        {body}
      </Card>
    );
  }
  return (
    <Card
      withBorder
      padding="xs"
      className="check-link"
      renderRoot={(props) => <Link {...props} to={place.to} search={place.search} />}
    >
      {body}
    </Card>
  );
}

/** Where it is looked into. */
const places: Partial<
  Record<Check['check'], { readonly to: string; readonly search: Readonly<Record<string, string>> }>
> = {
  listeners: { to: '/settings', search: {} },
  queue: { to: '/queue', search: {} },
  disk: { to: '/domains', search: {} },
  certificates: { to: '/settings', search: { tab: 'certificates' } },
  alarms: { to: '/defence', search: { tab: 'alarms' } },
};

function useStateWords(): Readonly<Record<Check['state'], string>> {
  const { t } = useTranslation();
  return { good: t('good'), warning: t('worth a look'), bad: t('bad'), unknown: t('could not be found out') };
}

function useCheckWords({ check, state, text, values }: Check): { readonly title: string; readonly text: string } {
  const { t } = useTranslation();
  const number = (name: string) => formatNumber(values[name] ?? 0);
  const counted = (name: string) => ({ count: values[name] ?? 0, number: number(name) });
  const age = (values['ageSeconds'] ?? 0) * 1000;
  const told = state === 'unknown' ? text : undefined;
  switch (check) {
    case 'listeners':
      return { title: t('Listeners'), text: told ?? t('{{number}} listen', counted('listeners')) };
    case 'queue': {
      const messages = `${values['isExact'] === 0 ? '≥ ' : ''}${number('messages')}`;
      const oldest = formatAge(Date.now() - age);
      const words =
        values['messages'] === 0
          ? t('nothing waits')
          : t('{{messages}} wait, the oldest came {{oldest}}', { messages, oldest, count: values['messages'] ?? 0 });
      return { title: t('Queue'), text: told ?? words };
    }
    case 'disk': {
      const [free, total] = [values['freeBytes'] ?? 0, values['totalBytes'] ?? 0];
      return {
        title: t('Disk'),
        text: told ?? t('{{free}} of {{total}} free', { free: formatBytes(free), total: formatBytes(total) }),
      };
    }
    case 'certificates': {
      const until = values['until'] ?? 0;
      const ends = until === 0 ? t('there is none') : t('the first ends {{when}}', { when: formatAge(until) });
      const problems =
        (values['problems'] ?? 0) > 0 ? ` · ${t('problems: {{number}}', { number: number('problems') })}` : '';
      return { title: t('Certificates'), text: told ?? `${ends}${problems}` };
    }
    case 'accounting': {
      const mismatch = Math.abs(values['mismatch'] ?? 0);
      const words =
        mismatch === 0
          ? t('{{number}} recipients accepted, each accounted for', counted('entered'))
          : t('books and queue are {{number}} recipients apart', { number: formatNumber(mismatch), count: mismatch });
      return { title: t('Accounting'), text: told ?? words };
    }
    case 'alarms':
      return {
        title: t('Alarms'),
        text:
          told ??
          t('alarms: {{alarms}}, lock-outs: {{lockouts}}', { alarms: number('alarms'), lockouts: number('lockouts') }),
      };
    case 'trace':
      return {
        title: t('Trace'),
        text: told ?? t('it has gaps: {{number}} lines are missing', counted('lost')),
      };
    case 'clock': {
      const words = state === 'good' ? t('runs evenly') : t('was moved by {{number}} seconds', counted('shiftSeconds'));
      return { title: t('Clock'), text: told ?? words };
    }
    case 'dns':
      return { title: t('DNS'), text: state === 'good' ? t('answers') : t('could not be asked') };
    case 'faults': {
      const words =
        values['recent'] === 0 ? t('none in 24 hours') : t('{{number}} in 24 hours', { number: number('recent') });
      return { title: t('Errors'), text: told ?? words };
    }
  }
}
