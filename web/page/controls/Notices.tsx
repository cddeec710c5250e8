/** What went wrong and what to do about it, until it is dismissed; and news that can be undone. */
import type { Session } from '../session/session.js';
import { useStore } from '../store.js';

export function Notices({ session }: { session: Session }) {
  const notices = useStore(session.store, (state) => state.notices);
  return (
    <section class="notices" id="notices" aria-label="Messages">
      {notices.map(({ id, kind, title, text, action }) => (
        <div class={`notice notice-${kind}`} key={id} role={kind === 'problem' ? 'alert' : 'status'}>
          <p>
            <strong>{title}</strong>
            {text}
          </p>
          <div class="notice-actions">
            {action && (
              <button
                type="button"
                class="button"
                id={`notice-action-${id}`}
                onClick={() => {
                  session.dismiss(id);
                  action.run();
                }}
              >
                {action.label}
              </button>
            )}
            <button
              type="button"
              class="button notice-dismiss"
              id={`notice-dismiss-${id}`}
              aria-label={`Dismiss: ${title}`}
              onClick={() => session.dismiss(id)}
            >
              Dismiss
            </button>
          </div>
        </div>
      ))}
    </section>
  );
}
