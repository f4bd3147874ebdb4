// Whether something is switched on, as a word.

import { Badge } from '@mantine/core';
import { useTranslation } from 'react-i18next';

export function OnOff({ isOn }: { readonly isOn: boolean }) {
  const { t } = useTranslation();
  return (
    <Badge variant="light" color={isOn ? 'green' : 'gray'} tt="none">
      {isOn ? t('on') : t('off')}
    </Badge>
  );
}
