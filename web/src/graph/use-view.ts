// What part of a picture is seen: moved by the mouse, a finger, the wheel and the arrow keys, enlarged by two fingers, the wheel
// with Ctrl, and the keys plus and minus. The wheel alone moves the picture only while there is more of it, so that nobody is
// caught in it on the way down the page.

import { type KeyboardEvent, type PointerEvent, useCallback, useEffect, useRef, useState } from 'react';
import type { PlacedFlow, Point } from './layout.ts';
import { type Area, fitScale } from './shapes.ts';

export interface View extends Point {
  readonly scale: number;
}

interface Size {
  readonly width: number;
  readonly height: number;
}

const smallest = 0.08;
const largest = 2;
const step = 80;

export function useView(placed: PlacedFlow, size: Size, smallestAtFirst: number) {
  const [view, setView] = useState<View>({ x: 0, y: 0, scale: 1 });
  const pointers = useRef(new Map<number, Point>());
  const element = useRef<HTMLDivElement>(null);

  const fit = useCallback(
    (least = smallest) => {
      if (size.width === 0) return;
      const scale = Math.max(least, fitScale(placed, size));
      const isWhole = size.height / scale >= placed.height;
      setView({ scale, x: 0, y: isWhole ? -(size.height / scale - placed.height) / 2 : 0 });
    },
    [placed, size.width, size.height],
  );
  useEffect(() => fit(smallestAtFirst), [fit, smallestAtFirst]);

  const move = useCallback(
    (x: number, y: number) =>
      setView((now) => kept({ ...now, x: now.x + x / now.scale, y: now.y + y / now.scale }, placed, size)),
    [placed, size],
  );
  /** Around a point of the element. */
  const zoom = useCallback(
    (factor: number, at: Point) => {
      setView((now) => {
        const scale = Math.min(largest, Math.max(smallest, now.scale * factor));
        const x = now.x + at.x / now.scale - at.x / scale;
        const y = now.y + at.y / now.scale - at.y / scale;
        return kept({ scale, x, y }, placed, size);
      });
    },
    [placed, size],
  );
  const middle = { x: size.width / 2, y: size.height / 2 };

  useEffect(() => {
    const box = element.current;
    if (box === null) return;
    const onWheel = (event: WheelEvent) => {
      const at = {
        x: event.clientX - box.getBoundingClientRect().left,
        y: event.clientY - box.getBoundingClientRect().top,
      };
      if (event.ctrlKey || event.metaKey) {
        event.preventDefault();
        zoom(Math.exp(-event.deltaY / 300), at);
        return;
      }
      const isTaller = placed.height * view.scale > size.height + 1;
      const atEnd = event.deltaY < 0 ? view.y <= 0 : view.y + size.height / view.scale >= placed.height;
      const [x, y] = event.shiftKey ? [event.deltaY, 0] : [event.deltaX, event.deltaY];
      if (x === 0 && (!isTaller || atEnd)) return;
      event.preventDefault();
      move(x, y);
    };
    box.addEventListener('wheel', onWheel, { passive: false });
    return () => box.removeEventListener('wheel', onWheel);
  }, [move, zoom, placed.height, size.height, view.scale, view.y]);

  const onPointerDown = (event: PointerEvent) => {
    if (event.pointerType === 'mouse' && event.button !== 0) return;
    pointers.current.set(event.pointerId, { x: event.clientX, y: event.clientY });
  };
  const onPointerMove = (event: PointerEvent) => {
    const before = pointers.current.get(event.pointerId);
    if (before === undefined) return;
    const now = { x: event.clientX, y: event.clientY };
    const other = [...pointers.current].find(([id]) => id !== event.pointerId)?.[1];
    pointers.current.set(event.pointerId, now);
    if (other === undefined) {
      // Only what is dragged is held: a click stays a click on its box.
      if (Math.hypot(now.x - before.x, now.y - before.y) > 0) move(before.x - now.x, before.y - now.y);
      return;
    }
    const box = element.current?.getBoundingClientRect();
    const at = { x: (now.x + other.x) / 2 - (box?.left ?? 0), y: (now.y + other.y) / 2 - (box?.top ?? 0) };
    zoom(
      Math.hypot(now.x - other.x, now.y - other.y) / Math.max(1, Math.hypot(before.x - other.x, before.y - other.y)),
      at,
    );
  };
  const onPointerUp = (event: PointerEvent) => void pointers.current.delete(event.pointerId);
  const onKeyDown = (event: KeyboardEvent) => {
    const keys: Readonly<Record<string, () => void>> = {
      ArrowLeft: () => move(-step, 0),
      ArrowRight: () => move(step, 0),
      ArrowUp: () => move(0, -step),
      ArrowDown: () => move(0, step),
      '+': () => zoom(1.25, middle),
      '=': () => zoom(1.25, middle),
      '-': () => zoom(0.8, middle),
      '0': () => fit(),
    };
    const act = event.ctrlKey || event.metaKey || event.altKey ? undefined : keys[event.key];
    if (act === undefined) return;
    event.preventDefault();
    act();
  };
  /** So that a box is seen. */
  const show = useCallback(
    (area: Area) =>
      setView((now) => {
        const [width, height] = [size.width / now.scale, size.height / now.scale];
        const x =
          area.x < now.x ? area.x - 20 : area.x + area.width > now.x + width ? area.x + area.width - width + 20 : now.x;
        const y =
          area.y < now.y
            ? area.y - 20
            : area.y + area.height > now.y + height
              ? area.y + area.height - height + 20
              : now.y;
        return x === now.x && y === now.y ? now : { ...now, x, y };
      }),
    [size.width, size.height],
  );
  return {
    view,
    element,
    fit,
    show,
    zoomIn: () => zoom(1.25, middle),
    zoomOut: () => zoom(0.8, middle),
    handlers: {
      onPointerDown,
      onPointerMove,
      onPointerUp,
      onPointerLeave: onPointerUp,
      onPointerCancel: onPointerUp,
      onKeyDown,
    },
  };
}

/** A part of the picture stays in sight. */
function kept(view: View, placed: PlacedFlow, size: Size): View {
  const [width, height] = [size.width / view.scale, size.height / view.scale];
  const within = (value: number, seen: number, whole: number) =>
    seen >= whole ? Math.min(0, Math.max(whole - seen, value)) : Math.min(whole - seen, Math.max(0, value));
  return { scale: view.scale, x: within(view.x, width, placed.width), y: within(view.y, height, placed.height) };
}
