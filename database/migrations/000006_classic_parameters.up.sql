-- Templates whose parameters are those that the import found, whatever people
-- answer.
alter table templates add column use_classic_parameter_flow boolean not null default false;
