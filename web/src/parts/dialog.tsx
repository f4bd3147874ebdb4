// A dialog above the view, whose cross has a name.

import { Modal, type ModalProps } from '@mantine/core';
import { useTranslation } from 'react-i18next';

export function Dialog({ children, ...props }: ModalProps) {
  const { t } = useTranslation();
  return (
    <Modal closeButtonProps={{ 'aria-label': t('Close') }} {...props}>
      {children}
    </Modal>
  );
}
