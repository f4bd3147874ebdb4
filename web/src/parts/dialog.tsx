// A dialog above the view, whose cross has a name. While it shows what nobody can see again it has none, so that Escape
// (escape.ts) has nothing to press either: it is closed by a button of what is shown, and by no slip.

import { Modal, type ModalProps } from '@mantine/core';
import { createContext, useContext, useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';

/** Tells what is around whether it stays open. */
export const Holding = createContext<(isHeld: boolean) => void>(() => undefined);

export function useHeldOpen(isHeld = true): void {
  const hold = useContext(Holding);
  useEffect(() => {
    hold(isHeld);
    return () => hold(false);
  }, [hold, isHeld]);
}

export function Dialog({ children, ...props }: ModalProps) {
  const { t } = useTranslation();
  const [isHeld, hold] = useState(false);
  return (
    <Modal closeButtonProps={{ 'aria-label': t('Close') }} {...props} {...(isHeld ? { withCloseButton: false } : {})}>
      <Holding value={hold}>{children}</Holding>
    </Modal>
  );
}
