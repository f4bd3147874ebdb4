// Escape closes the dialog that stands on top, and no other, by pressing its cross; one without a cross stays. Mantine lets each
// that is open hear the key: one below a preview, a question or a login would go as well, with what was typed there.

export function closeTopDialogByEscape(): void {
  // As Mantine does: before what is open within a dialog, a menu or a list of choices, which takes the key for itself.
  window.addEventListener(
    'keydown',
    (event) => {
      if (event.key !== 'Escape' || event.isComposing) return;
      if (event.target instanceof Element && event.target.getAttribute('data-mantine-stop-propagation') === 'true')
        return;
      topDialog()?.querySelector<HTMLElement>('.mantine-Modal-close, .mantine-Drawer-close')?.click();
    },
    { capture: true },
  );
}

/** Of those that are as high the later one, as they are painted. */
function topDialog(): Element | undefined {
  const heightOf = (dialog: Element): number =>
    dialog.parentElement === null ? 0 : Number(getComputedStyle(dialog.parentElement).zIndex) || 0;
  const open = [...document.querySelectorAll('[role=dialog][aria-modal=true]')];
  return open.toSorted((one, other) => heightOf(one) - heightOf(other)).at(-1);
}
