// How much of a limit is taken: the numbers, and a bar under them. From nine tenths on it is said in words too.

import { Group, Progress, Stack, Text } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { formatBytes } from './format.ts';

interface QuotaBarProps {
  readonly used: number;
  /** 0: none. */
  readonly limit: number;
  readonly format?: (value: number) => string;
  /** What is measured, for those who do not see the column. */
  readonly label: string;
}

export function QuotaBar({ used, limit, format = formatBytes, label }: QuotaBarProps) {
  const { t } = useTranslation();
  if (limit === 0) return <Text size="sm">{format(used)}</Text>;
  const percent = Math.min(100, (used / limit) * 100);
  const isNear = percent >= 90;
  return (
    <Stack gap={2}>
      <Group gap={6} wrap="nowrap">
        <Text size="xs" truncate>
          {t('{{used}} of {{limit}}', { used: format(used), limit: format(limit) })}
        </Text>
        {isNear ? (
          <Text size="xs" fw={700} c="red">
            {percent >= 100 ? t('full') : t('nearly full')}
          </Text>
        ) : null}
      </Group>
      <Progress value={percent} size={5} color={isNear ? 'red' : 'post'} aria-label={label} />
    </Stack>
  );
}
