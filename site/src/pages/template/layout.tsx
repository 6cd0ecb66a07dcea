import { Outlet } from "@tanstack/react-router";

export default function TemplateLayout() {
  return <Outlet />;
}
