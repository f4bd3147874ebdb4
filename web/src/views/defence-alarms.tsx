// Users who send as they never do: perhaps somebody else has their password.

import { Alert, Button, Card, Group, Stack, Text } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { call, type Row, useCall } from '../api.ts';
import { formatAge } from '../parts/format.ts';
import { Icon } from '../parts/icon.tsx';
import { ButtonLink } from '../parts/links.tsx';
import { Empty, Failed, NoAnswer } from '../parts/states.tsx';
import { useChange } from '../parts/use-change.ts';

type Alarm = Row<'alarm.list'>;

export function AlarmsTab() {
  const { t } = useTranslation();
  const change = useChange();
  const { data, error, refetch } = useCall('alarm.list', {}, { refetchInterval: 10_000 });
  if (data === undefined) return <NoAnswer error={error} onRetry={() => void refetch()} />;
  if (data.items.length === 0)
    return (
      <Empty title={t('Nobody sends as they never do')}>
        <Text size="sm" c="dimmed" ta="center">
          {t('An alarm is raised where a user suddenly writes to many, is refused often, or logs in from everywhere.')}
        </Text>
      </Empty>
    );
  const end = ({ login }: Alarm) =>
    change.run(() => call('alarm.remove', { login }), t('The alarm about {{login}} has ended', { login }));
  return (
    <Stack>
      {change.problem === undefined ? null : <Failed error={change.problem} />}
      <Alert color="orange" variant="light" icon={<Icon name="warning" />}>
        {t('Give the user a new password first: whoever has the old one goes on otherwise.')}
      </Alert>
      {data.items.map((alarm) => (
        <Card withBorder key={`${alarm.login} ${alarm.kind}`} component="section" aria-label={alarm.login}>
          <Group justify="space-between" align="flex-start">
            <Stack gap={2} flex={1} miw={220}>
              <Text fw={600} style={{ overflowWrap: 'anywhere' }}>
                {alarm.login}
              </Text>
              <Text size="sm">{alarm.text}</Text>
              <Text size="sm" c="dimmed">
                {t('Since {{age}}', { age: formatAge(alarm.since) })}
              </Text>
            </Stack>
            <Group gap="xs">
              <ButtonLink size="xs" variant="default" to="/trace" search={{ text: alarm.login }}>
                {t('What was sent?')}
              </ButtonLink>
              <Button size="xs" variant="default" onClick={() => void end(alarm)}>
                {t('End the alarm')}
              </Button>
            </Group>
          </Group>
        </Card>
      ))}
    </Stack>
  );
}
