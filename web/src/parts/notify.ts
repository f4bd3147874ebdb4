// Says briefly, in a corner, what has been done or has gone wrong. The cross has a name.

import { notifications } from '@mantine/notifications';
import i18next from 'i18next';

export function notify(message: string, color: 'green' | 'red' = 'green'): void {
  notifications.show({ message, color, closeButtonProps: { 'aria-label': i18next.t('Close') } });
}
