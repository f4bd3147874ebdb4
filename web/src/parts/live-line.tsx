// Says in the frame that the server is not there: what is shown may be old.

import { Alert } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { useConnection, useLiveEvents } from '../live.ts';
import { Icon } from './icon.tsx';

export function LiveLine({ login }: { readonly login: string }) {
  const { t } = useTranslation();
  useLiveEvents(login);
  const connection = useConnection();
  return (
    <div role="status">
      {connection === 'lost' ? (
        <Alert
          color="orange"
          variant="light"
          mb="md"
          icon={<Icon name="warning" />}
          title={t('The connection to the server is lost')}
        >
          {t('What you see may be old. It is tried again by itself.')}
        </Alert>
      ) : null}
    </div>
  );
}
