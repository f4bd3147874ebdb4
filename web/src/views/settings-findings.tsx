// What lint finds: what is wrong, what happens, how it is mended, and where it stands.

import { Alert, Badge, Card, Group, Stack, Text } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { type Row, useCall } from '../api.ts';
import { Icon } from '../parts/icon.tsx';
import { AnchorLink } from '../parts/links.tsx';
import { Empty, NoAnswer } from '../parts/states.tsx';

type Finding = Row<'lint.list'>;

const colors: Readonly<Record<Finding['severity'], string>> = { error: 'red', warning: 'orange', hint: 'blue' };
const order: readonly Finding['severity'][] = ['error', 'warning', 'hint'];

export function FindingsTab() {
  const { t } = useTranslation();
  const { data, error, refetch } = useCall('lint.list', {});
  if (data === undefined) return <NoAnswer error={error} onRetry={() => void refetch()} />;
  if (data.items.length === 0)
    return (
      <Empty title={t('Nothing to mend')}>
        <Text size="sm" c="dimmed" ta="center">
          {t('Every parameter, service and table has been looked at: none contradicts another.')}
        </Text>
      </Empty>
    );
  const sorted = order.flatMap((severity) => data.items.filter((one) => one.severity === severity));
  return (
    <Stack>
      {data.isCut ? (
        <Alert color="orange" variant="light" icon={<Icon name="warning" />}>
          {t('There are more of some kinds: posthaste lint on the machine lists them.')}
        </Alert>
      ) : null}
      {sorted.map((finding) => (
        <FindingCard
          key={`${finding.rule} ${finding.file} ${finding.line} ${finding.text}`}
          finding={finding}
          isLinked
        />
      ))}
    </Stack>
  );
}

interface FindingCardProps {
  readonly finding: Finding;
  /** To its parameter. */
  readonly isLinked?: boolean;
}

export function FindingCard({ finding, isLinked }: FindingCardProps) {
  const { t } = useTranslation();
  const { severity, rule, file, line, text, consequence, mend, parameter } = finding;
  const words: Readonly<Record<Finding['severity'], string>> = {
    error: t('error'),
    warning: t('warning'),
    hint: t('hint'),
  };
  return (
    <Card withBorder padding="sm">
      <Stack gap={4}>
        <Group gap="xs">
          <Badge color={colors[severity]} variant="light" tt="none">
            {words[severity]}
          </Badge>
          <Text size="sm" c="dimmed">
            {rule}
          </Text>
          <Text size="sm" c="dimmed" title={file}>
            {file.split('/').at(-1)}
            {line === 0 ? '' : `:${line}`}
          </Text>
          {isLinked && parameter !== undefined ? (
            <AnchorLink size="sm" to="/settings" search={{ tab: 'parameters', name: parameter }}>
              {parameter}
            </AnchorLink>
          ) : null}
        </Group>
        <Text size="sm" fw={600} style={{ overflowWrap: 'anywhere' }}>
          {text}
        </Text>
        <Text size="sm">{consequence}</Text>
        <Text size="sm" style={{ overflowWrap: 'anywhere' }}>
          {t('To mend it: {{mend}}', { mend })}
        </Text>
      </Stack>
    </Card>
  );
}
