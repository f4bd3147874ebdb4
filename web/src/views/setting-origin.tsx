// Where a value comes from: nobody has set it, the first start has, or somebody, in a line of a file.

import { Text } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import type { Output } from '../api.ts';

type Origin = Output<'setting.show'>['origin'];

export function SettingOrigin({ origin: { kind, file, line } }: { readonly origin: Origin }) {
  const { t } = useTranslation();
  if (kind === 'default')
    return (
      <Text size="sm" span c="dimmed">
        {t('default')}
      </Text>
    );
  const place = `${file?.split('/').at(-1) ?? ''}:${line ?? ''}`;
  return (
    <Text size="sm" span title={file}>
      {kind === 'first-start' ? t('first start, {{place}}', { place }) : place}
    </Text>
  );
}
