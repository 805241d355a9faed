# The project's image: Airflow, dbt, Great Expectations and Sluice in one environment, as uv.lock says.
FROM python:3.11.14-slim-bookworm

ENV PYTHONUNBUFFERED=1 \
    UV_PYTHON_DOWNLOADS=never \
    UV_LINK_MODE=copy \
    GX_ANALYTICS_ENABLED=false \
    DBT_SEND_ANONYMOUS_USAGE_STATS=false \
    DO_NOT_TRACK=1 \
    SCARF_ANALYTICS=false \
    AIRFLOW_HOME=/var/lib/airflow \
    SLUICE_HOME=/var/lib/sluice \
    PATH=/opt/sluice/.venv/bin:$PATH

RUN pip install --no-cache-dir --disable-pip-version-check uv==0.13.9 \
    && useradd --system --uid 1000 --create-home --home-dir /home/sluice sluice \
    && mkdir -p /opt/sluice /var/lib/airflow/logs /var/lib/sluice /drop \
    && chown -R sluice:sluice /opt/sluice /var/lib/airflow /var/lib/sluice /drop

USER sluice
WORKDIR /opt/sluice

# the environment first: it changes less often than the project
COPY --chown=sluice:sluice pyproject.toml uv.lock README.md ./
RUN uv sync --frozen --no-dev --extra celery --no-install-project --compile-bytecode

COPY --chown=sluice:sluice sluice ./sluice
COPY --chown=sluice:sluice extractors ./extractors
COPY --chown=sluice:sluice expectations ./expectations
COPY --chown=sluice:sluice mining_tasks ./mining_tasks
COPY --chown=sluice:sluice dbt_project ./dbt_project
COPY --chown=sluice:sluice processes ./processes
COPY --chown=sluice:sluice dags ./dags
RUN uv sync --frozen --no-dev --extra celery --compile-bytecode

EXPOSE 8080
CMD ["airflow", "api-server"]
