"""Alembic's entry. The connection is handed over by marvel.store.migrate, inside one transaction."""

from alembic import context

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=None,
    render_as_batch=True,
    transactional_ddl=False,  # the caller holds the transaction
    transaction_per_migration=False,
)
context.run_migrations()
